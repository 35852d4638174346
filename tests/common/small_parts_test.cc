// Hashing, random numbers, placement, bytes, names and their numbers, distinct keys.
#include <gmock/gmock.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <map>
#include <set>
#include <thread>

#include "common/bytes.h"
#include "common/denormals.h"
#include "common/error.h"
#include "common/file.h"
#include "common/hash.h"
#include "common/name_table.h"
#include "common/net/role_map.h"
#include "common/processors.h"
#include "common/random.h"
#include "common/text.h"
#include "common/unique_keys.h"
#include "ps/partitioner.h"
#include "tests/support/files.h"

namespace zhiyin {
namespace {

TEST(Hash, IsWhatCheckpointsWereWrittenWith) {
  EXPECT_EQ(HashBytes(""), 0x2d06800538d394c2ull);  // XXH3's published value for no input
  EXPECT_EQ(CategoryHasher("color")("red"), CategoryHasher("color")("red"));
  EXPECT_NE(CategoryHasher("color")("red"), CategoryHasher("size")("red"));
}

TEST(Digest, OfPiecesIsThatOfTheWhole) {
  const std::string text(100000, 'x');
  Digest digest;
  for (size_t at = 0; at < text.size(); at += 777) {
    digest.Update(
        std::as_bytes(std::span(text).subspan(at, std::min<size_t>(777, text.size() - at))));
  }
  EXPECT_EQ(digest.Value(), HashBytes(text));
}

TEST(NameTable, NumbersNamesInTheOrderInWhichTheyCome) {
  NameTable table;
  EXPECT_EQ(table.Find("a"), -1);
  EXPECT_EQ(table.Add("a"), 0);
  EXPECT_EQ(table.Add(""), 1);
  EXPECT_EQ(table.Add("a"), 0);
  EXPECT_EQ(table[1], "");
  std::map<std::string, int> numbers = {{"a", 0}, {"", 1}};
  Random random(1);
  for (int i = 0; i < 20'000; ++i) {
    const std::string name = std::to_string(random.Below(5000)) + std::string(random.Below(2), 0);
    EXPECT_EQ(table.Find(name), numbers.contains(name) ? numbers[name] : -1);
    const int next = table.size();
    EXPECT_EQ(table.Add(name), numbers.emplace(name, next).first->second);
  }
  EXPECT_EQ(static_cast<size_t>(table.size()), numbers.size());
  for (const auto& [name, number] : numbers) EXPECT_EQ(table[number], name);
}

TEST(Denormals, AreZeroInAThreadAndInThoseThatItStarts) {
  const auto half_of_the_smallest = [] {
    volatile float smallest = std::numeric_limits<float>::min();
    volatile float half = smallest / 2;
    return half;
  };
  std::vector<float> found = {half_of_the_smallest()};
  std::thread([&] {
    FlushDenormals();
    found.push_back(half_of_the_smallest());
    std::thread([&] { found.push_back(half_of_the_smallest()); }).join();
  }).join();
  EXPECT_THAT(found, ::testing::ElementsAre(0x1p-127f, 0, 0));
}

TEST(Processors, BeyondTheFirst1024AreCounted) {
  // A kernel for 8,192 processors.
  const auto get = [](size_t n_bytes, cpu_set_t* set) {
    if (n_bytes < 1024) {
      errno = EINVAL;
      return -1;
    }
    for (const size_t processor : {0, 1023, 1024, 5000}) CPU_SET_S(processor, n_bytes, set);
    return 0;
  };
  EXPECT_THAT(AllowedProcessors(get), ::testing::ElementsAre(0, 1023, 1024, 5000));
  EXPECT_THAT(AllowedProcessors([](size_t, cpu_set_t*) {
                errno = EPERM;
                return -1;
              }),
              ::testing::IsEmpty());
  EXPECT_EQ(static_cast<size_t>(NumProcessors()), AllowedProcessors().size());
}

TEST(Random, HasAStreamForEveryTuple) {
  EXPECT_EQ(Random(1, 2, 3).Next(), Random(1, 2, 3).Next());
  std::set<uint64_t> seen;
  for (uint64_t a = 0; a < 10; ++a) {
    for (uint64_t b = 0; b < 10; ++b) {
      for (uint64_t c = 0; c < 10; ++c) seen.insert(Random(a, b, c).Next());
    }
  }
  EXPECT_EQ(seen.size(), 1000u);
}

TEST(Random, DrawsWhatItSays) {
  Random random(1);
  double sum = 0;
  double squares = 0;
  std::vector<int> counts(7);
  for (int i = 0; i < 70000; ++i) {
    const double x = random.Normal();
    sum += x;
    squares += x * x;
    ++counts[random.Below(7)];
    const double u = random.Uniform();
    ASSERT_TRUE(u >= 0 && u < 1);
  }
  EXPECT_NEAR(sum / 70000, 0, 0.02);
  EXPECT_NEAR(squares / 70000, 1, 0.02);
  for (int count : counts) EXPECT_NEAR(count, 10000, 400);
  std::vector<int> items = {1, 2, 3, 4, 5};
  random.Shuffle(std::span(items));
  std::sort(items.begin(), items.end());
  EXPECT_THAT(items, ::testing::ElementsAre(1, 2, 3, 4, 5));
}

TEST(Partitioner, GivesEveryServerAnEqualRunOfShards) {
  for (int n_servers : {1, 2, 3, 7, 100, 4096}) {
    std::vector<int> counts(static_cast<size_t>(n_servers));
    int last = 0;
    for (int shard = 0; shard < ps::kNumShards; ++shard) {
      const int server = ps::ServerOfShard(shard, n_servers);
      EXPECT_GE(server, last);
      last = server;
      ++counts[static_cast<size_t>(server)];
    }
    const auto [least, most] = std::minmax_element(counts.begin(), counts.end());
    EXPECT_LE(*most - *least, 1) << n_servers;
  }
}

TEST(Partitioner, SpreadsRowsOfAnyKeys) {
  for (int shift : {0, 20, 52}) {  // also ids that differ in their high bits alone
    std::vector<int> counts(4);
    for (Key key = 0; key < 4000; ++key)
      ++counts[static_cast<size_t>(ps::ServerOf(1, key << shift, 4))];
    for (int count : counts) EXPECT_NEAR(count, 1000, 120);
  }
}

TEST(Partitioner, SpreadsDenseRowsEvenly) {
  for (int n_servers : {2, 3, 5}) {
    std::vector<int> counts(static_cast<size_t>(n_servers));
    for (Key key = 0; key < 60; ++key)
      ++counts[static_cast<size_t>(ps::ServerOf(kDenseTable, key, n_servers))];
    for (int count : counts) EXPECT_NEAR(count, 60 / n_servers, 3);
  }
}

TEST(RoleMap, ServersComeFirst) {
  const net::RoleMap roles{2, 3};
  EXPECT_EQ(roles.n_ranks(), 5);
  EXPECT_TRUE(roles.IsServer(1));
  EXPECT_FALSE(roles.IsServer(2));
  EXPECT_EQ(roles.ChiefRank(), 2);
  EXPECT_EQ(roles.WorkerOfRank(roles.RankOfWorker(2)), 2);
}

TEST(Bytes, ReadBackWhatWasWritten) {
  ByteWriter out;
  out.Put<int32_t>(-7);
  out.PutString("text");
  out.PutArray<double>(std::vector<double>{1, 2});
  const std::string bytes = out.Take();
  ByteReader in(bytes, "test");
  EXPECT_EQ(in.Get<int32_t>(), -7);
  EXPECT_EQ(in.GetString(), "text");
  EXPECT_THAT(in.GetArray<double>(), ::testing::ElementsAre(1, 2));
  EXPECT_TRUE(in.AtEnd());
}

TEST(Bytes, HostileLengthsAreRefusedBeforeAnythingIsReserved) {
  ByteWriter out;
  out.Put<uint64_t>(~uint64_t{0} / 2);
  const std::string bytes = out.Take();
  EXPECT_THROW(ByteReader(bytes, "t").GetString(), Error);
  EXPECT_THROW(ByteReader(bytes, "t").GetArray<double>(), Error);
  EXPECT_THROW(ByteReader("abc", "t").Get<uint64_t>(), Error);
}

TEST(Names, TheNearestIsFound) {
  const std::vector<std::string> known = {"staleness", "slices", "seed"};
  EXPECT_EQ(NearestName("stalenes", known), "staleness");
  EXPECT_EQ(NearestName("sead", known), "seed");
  EXPECT_EQ(NearestName("learning_rate", known), "");
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3);
}

TEST(UniqueKeys, NumbersKeysInOrderOfAppearance) {
  UniqueKeys keys;
  for (int round = 0; round < 3; ++round) {
    keys.Clear();
    EXPECT_EQ(keys.Insert(0), 0u);
    EXPECT_EQ(keys.Insert(99), 1u);
    EXPECT_EQ(keys.Insert(0), 0u);
    for (Key key = 0; key < 1000; ++key) keys.Insert(key * 3);
    EXPECT_EQ(keys.size(), 1000u);
    EXPECT_EQ(keys.keys()[1], 99u);
    for (uint32_t i = 0; i < 1000; ++i) EXPECT_EQ(keys.Insert(keys.keys()[i]), i);
  }
}

TEST(FileWriter, LeavesNothingBehindUnlessCommitted) {
  testing::TempFolder folder;
  {
    FileWriter file(folder.Path("f"));
    file.Write(std::as_bytes(std::span("content")));
  }
  EXPECT_FALSE(std::filesystem::exists(folder.Path("f")));
  ReplaceFile(folder.Path("g"), "old");
  ReplaceFile(folder.Path("g"), "new");
  EXPECT_EQ(testing::ReadFile(folder.Path("g")), "new");
  EXPECT_EQ(ReadWholeFile(folder.Path("g"), 3), "new");
  EXPECT_THROW(ReadWholeFile(folder.Path("g"), 2), Error);
  EXPECT_THROW(ReplaceFile("/nowhere/f", ""), Error);
  ReplaceFile(folder.Path("g"), [](std::ostream& out) {
    for (int i = 0; i < 100000; ++i) out << i % 10;
  });
  const std::string streamed = ReadWholeFile(folder.Path("g"), 100000);
  EXPECT_EQ(streamed.size(), 100000u);
  EXPECT_EQ(streamed.substr(99990), "0123456789");
  EXPECT_THROW(ReplaceFile(folder.Path("g"),
                           [](std::ostream& out) {
                             out << "a part";
                             Fail("nothing to write");
                           }),
               Error);
  EXPECT_EQ(ReadWholeFile(folder.Path("g"), 100000), streamed);
}

TEST(Text, OfAMessageIsOneLine) {
  EXPECT_EQ(OneLine("plain, \"quoted\", \\n, 知"), "plain, \"quoted\", \\n, 知");
  EXPECT_EQ(OneLine(std::string_view("a\nb\r\t\0\x1b\x7f", 8)), "a\\nb\\r\\t\\x00\\x1b\\x7f");
  EXPECT_EQ(OneLine("\xff知\xe7\x9f"), "\\xff知\\xe7\\x9f");
  EXPECT_EQ(OneLine(OneLine("a\n\xff")), OneLine("a\n\xff"));
  EXPECT_STREQ(Error("a\nb").what(), "a\\nb");
}

TEST(Text, IsShortenedInItsMiddle) {
  EXPECT_EQ(Shortened("0123456789", 10), "0123456789");
  EXPECT_EQ(Shortened("0123456789a", 10), "012 ... 9a");
  EXPECT_EQ(Shortened("", 10), "");
}

}  // namespace
}  // namespace zhiyin
