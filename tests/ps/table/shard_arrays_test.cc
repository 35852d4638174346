#include "ps/table/shard_arrays.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/random.h"

namespace zhiyin::ps::table {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

template <typename T>
std::vector<T> ContentOf(ShardArrays<T>* arrays, int shard) {
  return {arrays->Get(shard), arrays->Get(shard) + arrays->length()};
}

TEST(ShardArrays, WhatIsNotZeroComesBack) {
  for (const int n_used : {0, 1, 7, 300, 1000}) {
    ShardArrays<uint8_t> saved(1000);
    Random random(static_cast<uint64_t>(n_used));
    for (int i = 0; i < n_used; ++i)
      saved.Get(3)[random.Below(1000)] = static_cast<uint8_t>(1 + random.Below(255));
    const std::string bytes = saved.Save(3);
    EXPECT_LE(bytes.size(), std::min<size_t>(9 * static_cast<size_t>(n_used), 1008));
    ShardArrays<uint8_t> loaded(1000);
    loaded.Load(3, bytes, ShardCoding::kRuns);
    EXPECT_EQ(ContentOf(&loaded, 3), ContentOf(&saved, 3));
    EXPECT_EQ(loaded.Peek(2), nullptr);
    loaded.Get(3)[5] = 77;
    loaded.Load(3, bytes, ShardCoding::kRuns);
    EXPECT_EQ(ContentOf(&loaded, 3), ContentOf(&saved, 3)) << "whatever was there";
  }
}

TEST(ShardArrays, AnArrayOfZerosIsSavedAsNothing) {
  ShardArrays<uint64_t> arrays(9);
  EXPECT_EQ(arrays.Save(0), "");
  arrays.Get(0)[8] = 5;
  EXPECT_EQ(arrays.Save(0).size(), 16u);
  arrays.Get(0)[8] = 0;
  EXPECT_EQ(arrays.Save(0), "");
}

TEST(ShardArrays, ReadsAllElementsOfOlderFiles) {
  ShardArrays<uint8_t> arrays(4);
  arrays.Load(1, std::string("\0\5\0\7", 4), ShardCoding::kDense);
  EXPECT_EQ(ContentOf(&arrays, 1), (std::vector<uint8_t>{0, 5, 0, 7}));
  EXPECT_THAT([&] { arrays.Load(1, "abc", ShardCoding::kDense); },
              ThrowsMessage<Error>(HasSubstr("sightings of shard 1: 3 bytes, expected 4")));
}

TEST(ShardArrays, RefusesRunsThatItDidNotWrite) {
  ShardArrays<uint8_t> arrays(100);
  const auto run = [](uint32_t begin, uint32_t n, const std::string& elements) {
    const uint32_t head[] = {begin, n};
    return std::string(reinterpret_cast<const char*>(head), sizeof(head)) + elements;
  };
  arrays.Load(0, run(1, 2, "ab") + run(50, 1, "c"), ShardCoding::kRuns);
  for (const std::string& bytes :
       {std::string("abc"), run(1, 2, "a"), run(1, 0, ""), run(99, 2, "ab"), run(~0u, 2, "ab"),
        run(5, ~0u, "ab"), run(50, 1, "c") + run(1, 2, "ab"), run(1, 2, "ab") + "x"})
    EXPECT_THROW(arrays.Load(0, bytes, ShardCoding::kRuns), Error);
}

}  // namespace
}  // namespace zhiyin::ps::table
