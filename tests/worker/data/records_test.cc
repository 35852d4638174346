// Files of later splits and commands, read as the format of the training files says.
#include "worker/data/records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/error.h"
#include "tests/support/data_jobs.h"
#include "tests/support/files.h"
#include "tests/support/format_records.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using zhiyin::testing::AddField;
using zhiyin::testing::AddNumeric;
using zhiyin::testing::AddTask;
using zhiyin::testing::ShownValue;
using zhiyin::testing::TextJob;

class RecordsTest : public ::testing::Test {
 protected:
  /// Makes job_ one that was trained on a file with this content: of users and items with clicks,
  /// or of the indices of libsvm.
  void Train(const std::string& content, bool is_libsvm) {
    job_ = TextJob({folder_.Write("train", content)});
    if (is_libsvm) {
      AddField(&job_, "words", "indices");
      AddNumeric(&job_, "age", "3");
      AddTask(&job_, "click", "label");
    } else {
      AddField(&job_, "user");
      AddField(&job_, "item");
      AddTask(&job_, "click");
    }
    FindColumns(&job_);
  }
  /// The records of a file without labels, each as its values with spaces between them.
  std::vector<std::string> Read(const std::string& content) {
    Split split;
    split.add_file(folder_.Write("later", content));
    const auto records = OpenRecords(job_, split, LabelUse::kIgnored, [] {});
    std::vector<std::string> all;
    RecordView record;
    while (records->Next(&record)) {
      std::string& text = all.emplace_back(record.wrong);
      for (const Value& value : record.values)
        text += (text.empty() ? "" : " ") + ShownValue(value);
    }
    return all;
  }
  void ExpectRefused(const std::string& content, const std::string& sentence) {
    EXPECT_THAT([&] { Read(content); }, ThrowsMessage<Error>(HasSubstr("later: " + sentence)))
        << content;
  }

  testing::TempFolder folder_;
  Job job_;
};

constexpr const char* kJson = "{\"user\": \"u1\", \"item\": \"i1\", \"click\": 1}\n";
constexpr const char* kLibsvmLines = "1 3:1 7:1\n0 9:1 30:1\n";

TEST_F(RecordsTest, WhereTrainingHadNamesAFileWithoutThemIsRefused) {
  Train(kJson, /*is_libsvm=*/false);
  EXPECT_EQ(job_.data().columns().format(), "JSON Lines");
  const std::string csv = "item,user\ni2,u1\n";
  ExpectRefused(csv,
                "is delimited text without names of columns, expected them by data.text.header: "
                "true or column_name, since the records of training, JSON Lines, have names");
  EXPECT_THAT(Read("{\"item\": \"i2\", \"user\": \"u1\"}\n"), ElementsAre("'u1' 'i2'"));
  ExpectRefused(kLibsvmLines, "is libsvm, expected JSON Lines as in training");
  job_.mutable_data()->mutable_text()->set_header(true);
  EXPECT_THAT(Read(csv), ElementsAre("'u1' 'i2' ''")) << "by the names of its header";
}

TEST_F(RecordsTest, WhereTrainingWasLibsvmLaterFilesAre) {
  Train(kLibsvmLines, /*is_libsvm=*/true);
  EXPECT_EQ(job_.data().columns().format(), "libsvm");
  EXPECT_THAT(Read("0 3:1\n"), ElementsAre("[3] 1"));
  EXPECT_THAT(Read("3:1 7:1\n9:1\n"), ElementsAre("[3 7] 1", "[9] 0")) << "without labels";
  ExpectRefused("hello\nworld\n", "is delimited text, expected libsvm as in training");
  ExpectRefused("{\"3\": 1}\n", "is JSON Lines, expected libsvm as in training");
  job_.mutable_data()->mutable_text()->set_header(true);
  ExpectRefused("indices,3\n7,1\n", "is delimited text, expected libsvm as in training");
  job_.mutable_data()->mutable_text()->set_header(false);
  job_.mutable_data()->mutable_text()->mutable_delimited();
  ExpectRefused("7,1\n", "is delimited text, expected libsvm as in training");
}

TEST_F(RecordsTest, ALayoutThatIsSaidIsNoOtherThatIsRecognised) {
  job_ = TextJob({});
  AddNumeric(&job_, "age", "3");
  job_.mutable_data()->mutable_text()->mutable_libsvm();
  EXPECT_THAT(Read("x 3:1\n"), ElementsAre("1"));
  ExpectRefused("{\"3\": 1}\n", "is JSON Lines, expected libsvm as data.text says");
}

}  // namespace
}  // namespace zhiyin::worker::data
