-- What the later steps look up, once all is loaded.
create index on ledger_rebuild.intents (command_id, number);
create index on ledger_rebuild.results (command_id, partition, "offset");
create index on ledger_rebuild.records (command_id);
create index on ledger_rebuild.rejections (partition, "offset");
analyze ledger_rebuild.intents, ledger_rebuild.results, ledger_rebuild.records, ledger_rebuild.rejections;
