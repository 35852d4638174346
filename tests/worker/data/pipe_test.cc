#include "worker/data/pipe.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sstream>
#include <string>
#include <vector>

#include "common/error.h"
#include "tests/support/compress.h"
#include "tests/support/data_jobs.h"
#include "tests/support/files.h"
#include "tests/support/piped_bytes.h"
#include "tests/support/whole_file.h"
#include "worker/data/file_bytes.h"
#include "worker/data/source.h"
#include "worker/data/writer/table_format.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using zhiyin::testing::PipedBytes;
using zhiyin::testing::WholeFile;

constexpr int kRank = 3;

/// Numbers up to n, a line each.
std::string PipedNumbers(int n) {
  std::string text;
  for (int i = 0; i < n; ++i) text += std::to_string(i) + "\n";
  return text;
}

class PipeTest : public ::testing::Test {
 protected:
  testing::TempFolder folder_;
  const std::string path_ = folder_.Path("pipe");
};

TEST_F(PipeTest, IsToldFromFiles) {
  const PipedBytes bytes(path_, "x");
  EXPECT_TRUE(IsPipe(path_));
  EXPECT_TRUE(IsPipe("-"));
  EXPECT_FALSE(IsPipe(folder_.Write("file", "x")));
  EXPECT_FALSE(IsPipe(folder_.Path()));
  EXPECT_FALSE(IsPipe(folder_.Path("nothing")));
  Split split;
  split.add_file(path_);
  EXPECT_TRUE(IsPipe(split));
  split.add_file(path_);
  EXPECT_FALSE(IsPipe(split)) << "two files";
}

TEST_F(PipeTest, IsReadWhileItIsOpenOnly) {
  {
    const PipedBytes bytes(path_, "one\n");
    EXPECT_THAT([&] { FileBytes file(path_); },
                ThrowsMessage<Error>(HasSubstr(path_ + ": is no regular file, expected a file")));
  }
  const PipedBytes bytes(path_, "one\ntwo\n");
  {
    Pipe pipe(path_, kRank, [] {});
    EXPECT_EQ(WholeFile(path_), "one\ntwo\n");
    EXPECT_EQ(WholeFile(path_), "one\ntwo\n") << "its beginning is kept";
    EXPECT_THAT([&] { Pipe(path_, kRank, [] {}); },
                ThrowsMessage<Error>(HasSubstr("read already")));
  }
  EXPECT_THROW(FileBytes{path_}, Error);
  EXPECT_THAT([] { FileBytes file("-"); },
              ThrowsMessage<Error>(HasSubstr("-: is standard input, which is read once")));
  EXPECT_THROW(Pipe(folder_.Path("nothing"), kRank, [] {}), Error);
}

TEST_F(PipeTest, IsReadOnceBehindItsBeginning) {
  const std::string text = PipedNumbers(2'000'000);
  ASSERT_GT(text.size(), size_t{Pipe::kStartBytes} + 1'000'000);
  const PipedBytes bytes(path_, text);
  Pipe pipe(path_, kRank, [] {});
  std::string start(Pipe::kStartBytes, '\0');
  for (int i = 0; i < 2; ++i) {
    FileBytes looking(path_);
    EXPECT_EQ(looking.Read(start.data(), start.size()), start.size());
    EXPECT_EQ(start, text.substr(0, start.size()));
  }
  EXPECT_EQ(WholeFile(path_), text);
  EXPECT_THAT([&] { WholeFile(path_); },
              ThrowsMessage<Error>(HasSubstr(": byte 8388608 is read a second time")));
}

TEST_F(PipeTest, IsWaitedForWithTicks) {
  const PipedBytes bytes(path_, std::vector<std::string>{"a", "b", "c", std::string(100'000, 'd')});
  int n_ticks = 0;
  Pipe pipe(path_, kRank, [&] { ++n_ticks; });
  EXPECT_EQ(WholeFile(path_), "abc" + std::string(100'000, 'd'));
  EXPECT_GE(n_ticks, 4);
}

TEST_F(PipeTest, IsWaitedForAsLongAsItsTickWants) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  const int writer = open(path_.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(writer, 0);
  Pipe pipe(path_, kRank, [] {});
  SetPipeTick(path_, [n_ticks = 0]() mutable {
    if (++n_ticks == 3) Fail("nobody wants it");
  });
  SetPipeTick(folder_.Path("nothing"), [] {});
  char byte = 0;
  EXPECT_THAT([&] { pipe.ReadAt(0, &byte, 1); },
              ThrowsMessage<Error>(HasSubstr("nobody wants it")));
  close(writer);
}

TEST_F(PipeTest, MayBeCompressed) {
  const std::string text = PipedNumbers(300'000);
  for (const testing::Compression& compression : testing::Compressions()) {
    SCOPED_TRACE(compression.name);
    const std::string compressed = compression.compress(text);
    const PipedBytes bytes(path_, compressed);
    Pipe pipe(path_, kRank, [] {});
    EXPECT_EQ(WholeFile(path_), text);
  }
  const PipedBytes bytes(path_, testing::Gzip(text).substr(0, 1000));
  Pipe pipe(path_, kRank, [] {});
  EXPECT_THAT([&] { WholeFile(path_); }, ThrowsMessage<Error>(HasSubstr(path_ + ": at byte ")));
}

TEST_F(PipeTest, HasTheExamplesOfAFile) {
  const DataTable table = {
      {{"user", ColumnKind::kInteger}, {"price", ColumnKind::kNumber}, {"y", ColumnKind::kInteger}},
      [](TableWriter* writer) {
        for (int i = 0; i < 3000; ++i)
          writer->Row({std::to_string(i % 101), TextOf(i * 0.25), std::to_string(i % 2)});
      }};
  for (const TableFormat* format : TableFormats()) {
    // libsvm has no names, and Parquet is read from files alone.
    if (format == &kLibsvmTable || format == &kParquetTable) continue;
    SCOPED_TRACE(format->name);
    std::ostringstream written;
    WriteTable(table, *format, &written);
    Job job = testing::TextJob({folder_.Write("file", written.str())});
    if (format == &kTsvTable || format == &kCsvTable)
      job.mutable_data()->mutable_text()->set_header(true);
    testing::AddField(&job, "user");
    testing::AddNumeric(&job, "price");
    testing::AddTask(&job, "y");
    const testing::Collected expected = testing::CollectTrain(job);
    EXPECT_EQ(expected.rows.n, 3000);
    const PipedBytes bytes(path_, written.str());
    Pipe pipe(path_, kRank, [] {});
    job.mutable_data()->mutable_train()->set_file(0, path_);
    const testing::Collected found = testing::CollectTrain(job);
    testing::ExpectSameRows(found.rows, expected.rows);
  }
}

TEST_F(PipeTest, HoldsNoParquet) {
  const PipedBytes bytes(path_, "PAR1" + std::string(1000, 'x'));
  Pipe pipe(path_, kRank, [] {});
  Job job = testing::TextJob({path_});
  testing::AddNumeric(&job, "x");
  EXPECT_THAT([&] { testing::CollectTrain(job); },
              ThrowsMessage<Error>(HasSubstr(
                  path_ + ": is Parquet, which is not read from a pipe, expected a file")));
}

}  // namespace
}  // namespace zhiyin::worker::data
