#include "worker/data/format_records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "common/error.h"
#include "tests/support/files.h"
#include "worker/data/record_blocks.h"
#include "worker/data/source.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

constexpr int64_t kPartRecords = 100;

/// A file of a format with parts: its content is how many parts it has, where 0 tells nothing. The
/// only column is the number of the record in the file, from 0.
class PartsReader : public RecordReader {
 public:
  explicit PartsReader(int64_t n_parts) : n_records_(n_parts * kPartRecords) {}

  static int64_t n_read;  // records that were read, or skipped one by one

  bool Next(Record* record) override {
    if (at_ == n_records_) return false;
    ++n_read;
    text_ = std::to_string(at_);
    record->number = ++at_;
    record->values.assign(1, Value(text_));
    record->seen.assign(1, 1);
    record->wrong = at_ % 70 == 0 ? "malformed" : "";
    return true;
  }
  int64_t Skip(int64_t n) override {
    n = std::min(n, n_records_ - at_);
    n_read += n;
    at_ += n;
    return n;
  }
  int64_t PassParts(int64_t n) override {
    const int64_t begin = std::min(at_ + n, n_records_ - 1) / kPartRecords * kPartRecords;
    const int64_t n_passed = std::max<int64_t>(begin - at_, 0);
    at_ += n_passed;
    return n_passed;
  }

 private:
  int64_t n_records_;
  int64_t at_ = 0;
  std::string text_;
};
int64_t PartsReader::n_read = 0;

int64_t PartsOfFile(const std::string& path) {
  return std::stoll(testing::ReadFile(path));
}

std::unique_ptr<RecordReader> OpenParts(const std::string& path, const Text&,
                                        std::span<const WantedColumn>, ReadCounts*) {
  return std::make_unique<PartsReader>(PartsOfFile(path));
}

std::vector<FilePart> FindParts(const std::string& path) {
  return std::vector<FilePart>(static_cast<size_t>(PartsOfFile(path)), {kPartRecords, 10});
}

constexpr Format kParts = {"parts", nullptr, nullptr, OpenParts, nullptr, FindParts};

class FormatRecordsTest : public ::testing::Test {
 protected:
  FormatRecordsTest() {
    // What the layout says is not looked for in the files.
    job_.mutable_data()->mutable_text()->mutable_json_lines();
    job_.add_field()->set_name("x");
    for (const char* n_parts : {"3", "", "5", "0", "2"}) {
      split_.add_file(folder_.Write("f" + std::to_string(split_.file_size()), n_parts));
    }
    PartsReader::n_read = 0;
  }
  std::unique_ptr<Records> Open() const {
    return std::make_unique<FormatRecords>(
        kParts, job_, split_, LabelUse::kIgnored, [] {}, nullptr);
  }
  /// The records of a reader: FILE:NUMBER, and ! where it is malformed.
  static std::vector<std::string> ReadAll(Records* records) {
    std::vector<std::string> all;
    RecordView record;
    while (records->Next(&record)) {
      all.push_back(std::to_string(records->file()) + ":" + std::to_string(records->number()) +
                    (record.wrong.empty() ? "" : "!"));
    }
    return all;
  }

  testing::TempFolder folder_;
  Job job_;
  Split split_;
};

TEST_F(FormatRecordsTest, UnitsAreThePartsOfFiles) {
  std::vector<std::string> units;
  for (const Unit& unit : Open()->Units()) {
    units.push_back(std::to_string(unit.begin.file) + ":" + std::to_string(unit.begin.offset) +
                    " " + std::to_string(unit.n_records));
  }
  EXPECT_THAT(units,
              ElementsAre("0:0 100", "0:100 100", "0:200 100", "1:0 0", "2:0 100", "2:100 100",
                          "2:200 100", "2:300 100", "2:400 100", "3:0 -1", "4:0 100", "4:100 100"));
}

TEST_F(FormatRecordsTest, ReadersBetweenPartsTogetherReadAll) {
  const std::unique_ptr<Records> whole = Open();
  const std::vector<std::string> all = ReadAll(whole.get());
  EXPECT_EQ(all.size(), 1000u);
  EXPECT_EQ(all[69], "0:70!");
  const std::vector<Unit> units = whole->Units();
  const auto cut = [&](size_t unit) {
    return unit < units.size() ? units[unit].begin : FileCut{split_.file_size() + size_t{0}, 0};
  };
  for (size_t begin = 0; begin < units.size(); ++begin) {
    int64_t n_before = 0;
    for (size_t u = 0; u < begin; ++u) n_before += std::max<int64_t>(units[u].n_records, 0);
    for (size_t end = begin; end <= units.size(); ++end) {
      int64_t n = 0;
      for (size_t u = begin; u < end; ++u) n += std::max<int64_t>(units[u].n_records, 0);
      const std::unique_ptr<Records> part = whole->Between(cut(begin), cut(end));
      std::vector<std::string> found;
      RecordView record;
      while (part->Next(&record)) {
        const int64_t before = part->file() == cut(begin).file ? cut(begin).offset : 0;
        found.push_back(std::to_string(part->file()) + ":" +
                        std::to_string(part->number() + before) +
                        (record.wrong.empty() ? "" : "!"));
      }
      EXPECT_EQ(part->position(), n);
      EXPECT_EQ(found, std::vector<std::string>(all.begin() + n_before, all.begin() + n_before + n))
          << begin << " to " << end;
      const ShareEnds ends = part->ends();
      EXPECT_EQ(ends.begin, cut(begin));
      EXPECT_EQ(ends.end, cut(end));
      const int64_t own = cut(end).file == cut(begin).file ? cut(begin).offset : 0;
      EXPECT_EQ(ends.n_lines, cut(end).offset == 0 ? 0 : cut(end).offset - own);
    }
  }
}

TEST_F(FormatRecordsTest, PartsThatAreSkippedAreNotRead) {
  const std::unique_ptr<Records> records = Open();
  EXPECT_EQ(records->Skip(250), 250);
  EXPECT_EQ(PartsReader::n_read, 50);
  EXPECT_EQ(records->Skip(500), 500);
  EXPECT_EQ(PartsReader::n_read, 50 + 50 + 50) << "the rest of a part, and the beginning of one";
  RecordView record;
  ASSERT_TRUE(records->Next(&record));
  EXPECT_EQ(record.values[0].text(), "450");
  EXPECT_EQ(records->position(), 751);
  EXPECT_EQ(records->Skip(1'000'000), 249);
  EXPECT_FALSE(records->Next(&record));
}

TEST_F(FormatRecordsTest, BlocksAreReachedWithoutWhatIsBeforeThem) {
  split_.Clear();
  split_.add_file(folder_.Write("large", "1000"));
  split_.set_first_row(50'000);
  RecordBlocks blocks(Open(), split_);
  EXPECT_EQ(blocks.GoTo(100), kBlockRecords);
  EXPECT_LT(PartsReader::n_read, 2 * kPartRecords);
  RecordView record;
  ASSERT_TRUE(blocks.records().Next(&record));
  EXPECT_EQ(record.values[0].text(), std::to_string(50'000 + 100 * kBlockRecords));
  blocks.GoTo(3);
  EXPECT_LT(PartsReader::n_read, 4 * kPartRecords) << "back to the file's beginning";
}

TEST_F(FormatRecordsTest, AFileThatHasFewerRecordsThanItsPartsIsRefused) {
  const std::unique_ptr<Records> records = Open();
  const std::unique_ptr<Records> part = records->Between({4, 100}, {4, 300});
  RecordView record;
  EXPECT_THAT(
      [&] {
        while (part->Next(&record)) {
        }
      },
      ThrowsMessage<Error>(HasSubstr("f4: has 200 records, expected 300 at least as it says")));
  EXPECT_THAT(
      [&] {
        records->Between({4, 300}, {5, 0})->Next(&record);
      },
      ThrowsMessage<Error>(HasSubstr("f4: has 200 records, expected more than 300")));
}

}  // namespace
}  // namespace zhiyin::worker::data
