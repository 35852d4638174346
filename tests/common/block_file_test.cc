#include "common/block_file.h"

#include <gmock/gmock.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "common/error.h"
#include "common/random.h"
#include "tests/support/files.h"

namespace zhiyin {
namespace {

using ::testing::HasSubstr;
using testing::TempFolder;

std::string RandomText(size_t n) {
  Random random(n);
  std::string text(n, '\0');
  for (char& c : text) c = static_cast<char>(random.Next());
  return text;
}

uint64_t Write(const std::string& path, const std::string& content, size_t piece,
               Beside beside = Beside::kNobody) {
  BlockWriter file(path, beside);
  for (size_t at = 0; at < content.size(); at += piece)
    file.Write(std::as_bytes(std::span(content)).subspan(at, std::min(piece, content.size() - at)));
  file.Commit();
  EXPECT_EQ(file.n_bytes(), static_cast<int64_t>(std::filesystem::file_size(path)));
  return file.digest();
}

std::string Read(const std::string& path, size_t piece, uint64_t* digest, Beside beside) {
  BlockReader file(path, beside);
  std::string content(static_cast<size_t>(file.n_left()), '\0');
  for (size_t at = 0; at < content.size(); at += piece)
    file.Read(std::as_writable_bytes(std::span(content))
                  .subspan(at, std::min(piece, content.size() - at)));
  EXPECT_EQ(file.n_left(), 0);
  EXPECT_EQ(file.at(), static_cast<int64_t>(content.size()));
  *digest = file.digest();
  return content;
}

std::string ErrorOf(const std::string& path, Beside beside = Beside::kNobody) {
  try {
    BlockReader(path, beside).SkipToEnd();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(BlockFile, IsReadFromAnyByteOn) {
  TempFolder folder(TempFolder::kInMemory);
  const size_t n = 3 * kBlockBytes + 77;
  const std::string content = RandomText(n);
  Write(folder.Path("f"), content, n);
  BlockReader file(folder.Path("f"));
  char byte = 0;
  for (const size_t at : {size_t{5}, size_t{3}, kBlockBytes - 1, kBlockBytes, 3 * kBlockBytes,
                          n - 1, size_t{0}, 2 * kBlockBytes + 8}) {
    file.SkipTo(static_cast<int64_t>(at));
    EXPECT_EQ(file.at(), static_cast<int64_t>(at));
    EXPECT_EQ(file.n_left(), static_cast<int64_t>(n - at));
    file.Read(std::as_writable_bytes(std::span(&byte, 1)));
    EXPECT_EQ(byte, content[at]) << at;
  }
  std::string rest(n - 2 * kBlockBytes - 9, '\0');
  file.Read(std::as_writable_bytes(std::span(rest)));
  EXPECT_TRUE(rest == content.substr(2 * kBlockBytes + 9));

  std::string damaged = testing::ReadFile(folder.Path("f"));
  damaged[kBlockBytes + 100] ^= 1;
  folder.Write("f", damaged);
  BlockReader other(folder.Path("f"));
  other.SkipTo(static_cast<int64_t>(2 * kBlockBytes));
  EXPECT_THROW(other.SkipTo(static_cast<int64_t>(kBlockBytes)), Error);
}

TEST(BlockFile, ComesBackAsItWas) {
  TempFolder folder;
  const std::string path = folder.Path("f");
  for (const size_t n : {size_t{0}, size_t{1}, kBlockBytes - 1, kBlockBytes, kBlockBytes + 1,
                         3 * kBlockBytes, 12 * kBlockBytes + 77}) {
    const std::string content = RandomText(n);
    for (const size_t piece : {size_t{1000}, kBlockBytes, 2 * kBlockBytes + 5}) {
      SCOPED_TRACE(std::to_string(n) + " in pieces of " + std::to_string(piece));
      const uint64_t written = Write(path, content, piece);
      EXPECT_EQ(Write(path, content, piece, Beside::kThread), written);
      for (const Beside beside : {Beside::kNobody, Beside::kThread}) {
        uint64_t read;
        EXPECT_TRUE(Read(path, 777, &read, beside) == content);
        EXPECT_EQ(read, written);
      }
      BlockReader skipped(path);
      skipped.SkipToEnd();
      EXPECT_EQ(skipped.digest(), written);
      EXPECT_EQ(skipped.at(), static_cast<int64_t>(n));
      EXPECT_EQ(skipped.n_left(), 0);
    }
  }
}

/// So large that the system keeps nothing of it in its memory.
TEST(BlockFile, ALargeOneComesBackAsItWas) {
  TempFolder folder;
  std::vector<uint64_t> numbers(9 << 20);
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = i;
  const std::string content(reinterpret_cast<const char*>(numbers.data()),
                            numbers.size() * sizeof(uint64_t));
  const uint64_t written = Write(folder.Path("f"), content, 3'000'000, Beside::kThread);
  for (const Beside beside : {Beside::kNobody, Beside::kThread}) {
    uint64_t read;
    EXPECT_TRUE(Read(folder.Path("f"), 1'000'000, &read, beside) == content);
    EXPECT_EQ(read, written);
  }
}

TEST(BlockFile, AFlippedBitIsFoundInItsBlock) {
  TempFolder folder;
  const std::string path = folder.Path("f");
  Write(path, RandomText(2 * kBlockBytes + 1000), 5000);
  const std::string whole = testing::ReadFile(path);
  constexpr size_t kWhole = kBlockBytes + 8;
  Random random(1);
  for (int i = 0; i < 60; ++i) {
    const size_t at = i < 3 ? static_cast<size_t>(i) * kWhole : random.Below(whole.size());
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at))
        .put(static_cast<char>(whole[at] ^ (1 << random.Below(8))));
    file.close();
    const size_t begin = at / kWhole * kWhole;
    EXPECT_EQ(ErrorOf(path), path + ": damaged: bytes " + std::to_string(begin) + " to " +
                                 std::to_string(std::min(begin + kWhole, whole.size())) +
                                 " do not fit their checksum");
    EXPECT_EQ(ErrorOf(path, Beside::kThread), ErrorOf(path));
    std::fstream(path, std::ios::in | std::ios::out | std::ios::binary)
        .seekp(static_cast<std::streamoff>(at))
        .put(whole[at]);
  }
  EXPECT_EQ(ErrorOf(path), "");
}

TEST(BlockFile, BlocksOutOfPlaceAreDamaged) {
  TempFolder folder;
  const std::string path = folder.Path("f");
  Write(path, RandomText(3 * kBlockBytes), 5000);
  const std::string whole = testing::ReadFile(path);
  constexpr size_t kWhole = kBlockBytes + 8;
  folder.Write("f",
               whole.substr(kWhole, kWhole) + whole.substr(0, kWhole) + whole.substr(2 * kWhole));
  EXPECT_THAT(ErrorOf(path), HasSubstr("damaged: bytes 0 to "));
}

TEST(BlockFile, OneThatIsCutOffIsRefused) {
  TempFolder folder;
  const std::string path = folder.Path("f");
  Write(path, RandomText(kBlockBytes + 1000), 5000);
  const std::string whole = testing::ReadFile(path);
  for (const size_t n : {whole.size() - 1, kBlockBytes + 500, kBlockBytes + 8 + 8, kBlockBytes,
                         size_t{9}, size_t{8}, size_t{1}}) {
    folder.Write("f", whole.substr(0, n));
    EXPECT_THAT(ErrorOf(path), HasSubstr(path)) << n;
  }
  folder.Write("f", whole + "x");
  EXPECT_THAT(ErrorOf(path), HasSubstr(path));
  // At the end of a block only who knows how much there should be can tell.
  folder.Write("f", whole.substr(0, kBlockBytes + 8));
  BlockReader file(path);
  std::vector<std::byte> more(kBlockBytes + 1);
  EXPECT_THROW(file.Read(more), Error);
}

TEST(BlockFile, WhatTheThreadFailsWithIsThrown) {
  TempFolder folder;
  const std::string content = RandomText(20 * kBlockBytes);
  for (const int n_good : {0, 1, 5, 19, 20}) {
    int n = 0;
    WatchFiles([&](const FileStep& step) {
      if (step.kind == FileStep::kWrite && n++ == n_good) throw FileError("no room");
    });
    if (n_good < 20) {
      EXPECT_THROW(Write(folder.Path("f"), content, 5000, Beside::kThread), FileError) << n_good;
      EXPECT_FALSE(std::filesystem::exists(folder.Path("f")));
    } else {
      Write(folder.Path("f"), content, 5000, Beside::kThread);
    }
    WatchFiles({});
  }
  // Neither is read to its end, and neither is committed.
  BlockReader reader(folder.Path("f"), Beside::kThread);
  EXPECT_EQ(reader.Get<char>(), content[0]);
  BlockWriter writer(folder.Path("g"), Beside::kThread);
  writer.Write(std::as_bytes(std::span(content)));
}

TEST(BlockFile, LeavesNothingBehindUnlessCommitted) {
  TempFolder folder;
  {
    BlockWriter file(folder.Path("f"));
    file.Put(uint64_t{7});
  }
  EXPECT_FALSE(std::filesystem::exists(folder.Path("f")));
}

TEST(BlockFile, EveryBlockThatIsReadTicks) {
  TempFolder folder;
  Write(folder.Path("f"), RandomText(5 * kBlockBytes), 1 << 16);
  for (const Beside beside : {Beside::kNobody, Beside::kThread}) {
    int n_ticks = 0;
    BlockReader file(folder.Path("f"), beside, [&] { ++n_ticks; });
    for (int i = 0; i < 1000; ++i) file.Get<uint64_t>();
    EXPECT_EQ(n_ticks, 1) << "of the first block";
    file.SkipToEnd();
    EXPECT_GE(n_ticks, 5);
  }
}

TEST(BlockFile, AWriterThatWaitsForTheDiskSaysSo) {
  TempFolder folder;
  std::atomic<bool> has_said = false;
  WatchFiles([&](const FileStep& step) {
    // The disk takes nothing until then.
    while (step.kind == FileStep::kWrite && !has_said) std::this_thread::yield();
  });
  {
    BlockWriter file(folder.Path("f"), Beside::kThread, [&] { has_said = true; });
    const std::string content(20 * kBlockBytes, 'x');
    file.Write(std::as_bytes(std::span(content)));
    file.Commit();
  }
  WatchFiles({});
  EXPECT_TRUE(has_said);
}

}  // namespace
}  // namespace zhiyin
