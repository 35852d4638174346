#include "launch/apps/export/npz_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "common/error.h"
#include "common/file.h"
#include "tests/support/files.h"

namespace zhiyin::launch::apps {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

IdVectors Some() {
  return {2, {"tea", "知音", "a longer name", "é😀"}, {1, 2, 3, 4, 5, 6, 7, 8.5f}, {"gone"}};
}

TEST(Npz, ReadsBackWhatWasWritten) {
  const testing::TempFolder folder;
  WriteNpz(Some(), folder.Path("x.npz"));
  const IdVectors all = ReadNpz(folder.Path("x.npz"));
  EXPECT_EQ(all.dim, 2);
  EXPECT_EQ(all.ids, Some().ids);
  EXPECT_EQ(all.vectors, Some().vectors);
  EXPECT_THAT(all.removed, ElementsAre("gone"));
  EXPECT_FALSE(std::filesystem::exists(folder.Path("x.npz.unfinished")));
  WriteNpz({3, {}, {}, {}}, folder.Path("empty.npz"));
  EXPECT_EQ(ReadNpz(folder.Path("empty.npz")).dim, 3);
  EXPECT_TRUE(ReadNpz(folder.Path("empty.npz")).ids.empty());
}

TEST(Npz, RefusesWhatItDidNotWrite) {
  const testing::TempFolder folder;
  EXPECT_THAT([&] { ReadNpz(folder.Path("none.npz")); },
              ThrowsMessage<Error>(HasSubstr("none.npz: cannot be read")));
  const std::string text = folder.Write("text.npz", "no archive");
  EXPECT_THROW(ReadNpz(text), Error);
  WriteNpz(Some(), folder.Path("x.npz"));
  const std::string good = ReadWholeFile(folder.Path("x.npz"), 1 << 20);
  // Whatever byte is flipped, it is read or refused, and never another list of another length.
  for (size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x15);
    const std::string path = folder.Write("bad.npz", bad);
    try {
      const IdVectors all = ReadNpz(path);
      EXPECT_EQ(all.vectors.size(), all.ids.size() * static_cast<size_t>(all.dim));
    } catch (const Error&) {
    }
  }
}

TEST(Npz, AsText) {
  const testing::TempFolder folder;
  WriteTsv({2, {"a", "b"}, {1, -0.5f, 0.1f, 3}, {"c"}}, folder.Path("x.tsv"));
  EXPECT_EQ(ReadWholeFile(folder.Path("x.tsv"), 1 << 20), "a\t1\t-0.5\nb\t0.100000001\t3\nc\n");
  WriteTsv({1, {"a\tb", "\"c\n"}, {1, 2}, {"d\\"}}, folder.Path("x.tsv"));
  EXPECT_EQ(ReadWholeFile(folder.Path("x.tsv"), 1 << 20), "a\\tb\t1\n\\x22c\\n\t2\nd\\\\\n");
}

TEST(Npz, OneLongIdTakesItsOwnRoomOnly) {
  const testing::TempFolder folder;
  IdVectors all = {1, {}, {}, {"gone"}};
  for (int i = 0; i < 2000; ++i) all.ids.push_back("id" + std::to_string(i));
  all.ids[7] = std::string(20'000, 'x') + "知";
  all.vectors.assign(2000, 0.5f);
  WriteNpz(all, folder.Path("x.npz"));
  EXPECT_LT(std::filesystem::file_size(folder.Path("x.npz")), 200'000u);
  const IdVectors read = ReadNpz(folder.Path("x.npz"));
  EXPECT_EQ(read.ids, all.ids);
  EXPECT_EQ(read.removed, all.removed);
  EXPECT_EQ(read.vectors, all.vectors);
}

}  // namespace
}  // namespace zhiyin::launch::apps
