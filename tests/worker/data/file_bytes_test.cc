#include "worker/data/file_bytes.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <iterator>

#include "common/error.h"
#include "tests/support/compress.h"
#include "tests/support/files.h"

namespace zhiyin::worker::data {
namespace {

using zhiyin::testing::TempFolder;

class FileBytesTest : public ::testing::Test {
 protected:
  TempFolder folder_;
};

/// Reads to the end; returns how many bytes there were.
size_t ReadAll(FileBytes* file) {
  std::string piece(100'000, '\0');
  size_t n_all = 0;
  for (size_t n = piece.size(); n == piece.size(); n_all += n)
    n = file->Read(piece.data(), piece.size());
  return n_all;
}

TEST_F(FileBytesTest, CountsWhatIsReadAsItIsOnDisk) {
  const std::string text(1'000'000, 'x');
  for (const std::string& bytes : {text, zhiyin::testing::Gzip(text), zhiyin::testing::Zstd(text),
                                   zhiyin::testing::Gzip(text) + std::string(500'000, '\0')}) {
    ReadCounts counts;
    FileBytes file(folder_.Write("f", bytes), &counts);
    EXPECT_EQ(counts.n_files, 1);
    const int64_t n_start = counts.n_bytes;  // read to see what the file is
    EXPECT_LE(n_start, 100);
    EXPECT_EQ(ReadAll(&file), text.size());
    EXPECT_EQ(counts.n_bytes - n_start, static_cast<int64_t>(bytes.size()));
  }
}

TEST_F(FileBytesTest, CountsAllFilesTogetherAndWhatIsReadAgain) {
  ReadCounts counts;
  const std::string path = folder_.Write("f", std::string(300'000, 'x'));
  FileBytes file(path, &counts);
  FileBytes again(path, &counts);
  EXPECT_EQ(counts.n_files, 2);
  const int64_t n_start = counts.n_bytes;
  ReadAll(&file);
  file.Seek(100'000);
  ReadAll(&file);
  EXPECT_EQ(counts.n_bytes - n_start, 500'000);
  FileBytes not_counted(path);
  ReadAll(&not_counted);
  EXPECT_EQ(counts.n_bytes - n_start, 500'000);
  EXPECT_EQ(counts.n_files, 2);
  EXPECT_THROW(FileBytes(folder_.Path("nowhere"), &counts), Error);
  EXPECT_EQ(counts.n_files, 2) << "it was not opened";
}

TEST_F(FileBytesTest, ARefusedFileIsClosed) {
  const auto n_open = [] {
    const std::filesystem::directory_iterator open("/proc/self/fd");
    return std::distance(begin(open), end(open));
  };
  const std::string pointer = folder_.Write("f", "version https://git-lfs.github.com/spec/v1\n");
  const auto n_before = n_open();
  EXPECT_THROW(FileBytes{pointer}, Error);
  EXPECT_THROW(FileBytes{folder_.Path()}, Error);
  EXPECT_EQ(n_open(), n_before);
}

}  // namespace
}  // namespace zhiyin::worker::data
