import pytest
from aiokafka.partitioner import DefaultPartitioner, murmur2

from streams.publisher import partition_of

# Source: Apache Kafka, clients, UtilsTest.testMurmur2 (signed 32 bit numbers, as Java prints them).
VECTORS = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize("key", VECTORS)
def test_the_hash_is_the_one_of_javas_clients(key: bytes) -> None:
    assert murmur2(key) == VECTORS[key] & 0xFFFFFFFF


@pytest.mark.parametrize("key", VECTORS)
def test_the_producer_puts_a_key_where_partition_of_says(key: bytes) -> None:
    partitions = list(range(6))
    assert DefaultPartitioner()(key, partitions, partitions) == partition_of(key, 6) == (VECTORS[key] & 0x7FFFFFFF) % 6
