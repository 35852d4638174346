#include "ps/server/repeats.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "common/random.h"

namespace zhiyin::ps::server {
namespace {

std::vector<Key> Drawn(size_t n, uint64_t seed) {
  Random random(seed);
  std::vector<Key> keys(n);
  for (Key& key : keys) key = random.Next();
  return keys;
}

TEST(Repeats, FindsNoneAmongDistinctKeys) {
  Repeats repeats;
  for (const size_t n : {0, 1, 2, 63, 64, 65, 4096, 100000}) {
    EXPECT_EQ(repeats.Find(Drawn(n, n)), n);
    std::vector<Key> dense(n);
    std::iota(dense.begin(), dense.end(), Key{0});
    EXPECT_EQ(repeats.Find(dense), n);
  }
}

TEST(Repeats, FindsOneWhereverItStands) {
  Repeats repeats;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    std::vector<Key> keys = Drawn(2 + seed % 200, seed);
    Random random(seed, 1);
    const size_t from = random.Below(keys.size() - 1);
    const size_t to = from + 1 + random.Below(keys.size() - 1 - from);
    keys[to] = keys[from];
    EXPECT_EQ(repeats.Find(keys), to) << seed;
  }
}

TEST(Repeats, AreNotTakenForKeysOfTheSameBit) {
  // Far more keys than the bitmap of a short request has bits, a few at a time.
  Repeats repeats;
  const std::vector<Key> keys = Drawn(1 << 16, 7);
  for (size_t i = 0; i + 50 <= keys.size(); i += 50)
    EXPECT_EQ(repeats.Find(std::span(keys).subspan(i, 50)), 50u);
}

}  // namespace
}  // namespace zhiyin::ps::server
