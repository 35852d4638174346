#include "worker/data/text_columns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "tests/support/data_jobs.h"
#include "tests/support/files.h"
#include "worker/data/records.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;
using zhiyin::testing::AddField;
using zhiyin::testing::AddNumeric;
using zhiyin::testing::AddTask;

class TextColumnsTest : public ::testing::Test {
 protected:
  void Add(const std::string& name, const std::string& content) {
    split_.add_file(folder_.Write(name, content));
  }
  Columns Inspect(LabelUse labels = LabelUse::kNeeded) {
    return InspectFiles(job_, split_, labels).columns;
  }
  void ExpectRefused(const std::string& sentence, LabelUse labels = LabelUse::kNeeded) {
    EXPECT_THAT([&] { Inspect(labels); }, ThrowsMessage<Error>(HasSubstr(sentence)));
  }
  /// The values of a line of the files in the order of training, joined by commas.
  std::string Ordered(std::vector<std::string_view> values) {
    InspectedFiles inspected = InspectFiles(job_, split_, LabelUse::kIgnored);
    if (const std::string wrong = inspected.order.Apply(&values); !wrong.empty()) return wrong;
    std::string text;
    for (const std::string_view value : values)
      text += (text.empty() ? "" : ",") + (value.empty() ? "-" : std::string(value));
    return text;
  }
  /// Training had a column for the label, one for a field, and one that nothing reads.
  void HasTrained(bool with_names) {
    AddTask(&job_, "y", with_names ? "label" : "#0");
    AddField(&job_, "a", with_names ? "a" : "#1");
    Data::Columns* columns = job_.mutable_data()->mutable_columns();
    columns->set_n(3);
    if (!with_names) return;
    for (const char* name : {"label", "a", "b"}) columns->add_name(name);
  }

  testing::TempFolder folder_;
  Job job_;
  Text& text_ = *job_.mutable_data()->mutable_text();
  Split split_;
};

TEST_F(TextColumnsTest, NamesComeFromTheHeaderThatAllFilesHave) {
  text_.set_header(true);
  Add("a", "x,y\n1,2\n");
  Add("b", "x,y\n");
  const Columns columns = Inspect();
  EXPECT_EQ(columns.n, 2);
  EXPECT_THAT(columns.names, ElementsAre("x", "y"));
  EXPECT_EQ(columns.where, split_.file(0) + ":1");
  Add("c", "x,z\n");
  ExpectRefused("column #1 is \"z\", expected \"y\"");
}

TEST_F(TextColumnsTest, WithoutHeaderOrNamesColumnsAreOnlyCounted) {
  Add("a", "");
  Add("b", "1,2,3\n");
  const Columns columns = Inspect();
  EXPECT_EQ(columns.n, 3);
  EXPECT_THAT(columns.names, IsEmpty());
}

TEST_F(TextColumnsTest, AHeaderOfTheNamesInAnotherOrderIsRefused) {
  for (const char* name : {"x", "y"}) text_.add_column_name(name);
  Add("a", "y,x\n1,2\n");
  const std::string line =
      "a:1: has the names of data.text.column_name in another order: column #0 is \"y\", expected "
      "\"x\"; ";
  ExpectRefused(line + "with data.text.header: true and without column_name, columns are read");
  text_.set_header(true);
  ExpectRefused(line + "without column_name, columns are read by the names of the header");
  split_.clear_file();
  Add("b", "x,y\n1,2\n");
  Add("c", "y,z\n1,2\n");
  EXPECT_THAT(Inspect().names, ElementsAre("x", "y")) << "other names may be replaced";
}

TEST_F(TextColumnsTest, AHeaderWithoutTheLabelsIsOne) {
  for (const char* name : {"x", "label", "y"}) text_.add_column_name(name);
  AddField(&job_, "x");
  AddTask(&job_, "label");
  Add("a", "x,y\n1,2\n");
  EXPECT_TRUE(InspectFiles(job_, split_, LabelUse::kIgnored).files[0].has_header);
  split_.clear_file();
  Add("b", "y,x\n1,2\n");
  ExpectRefused("b:1: has the names of data.text.column_name in another order: column #0 is \"y\"",
                LabelUse::kIgnored);
}

TEST_F(TextColumnsTest, AFileOfAnotherFormatIsRefused) {
  Add("a", "");
  Add("b", "1 x\n");
  Add("c", "1 3:1\n");
  ExpectRefused("c: is libsvm, expected delimited text as in " + split_.file(0));
  text_.set_delimiter(" ");
  EXPECT_EQ(Inspect().n, 2) << "a delimiter says that it is none";
  Add("d", "{\"x\": 1} y\n");
  ExpectRefused("d: is JSON Lines, expected delimited text as in " + split_.file(0) +
                "; data.text.delimited {} says that it is");
}

TEST_F(TextColumnsTest, OnlyWhereLabelsAreIgnoredTheirNamedColumnsMayBeMissing) {
  for (const char* name : {"x", "label", "y"}) text_.add_column_name(name);
  AddField(&job_, "x");
  AddTask(&job_, "label");
  Add("a", "1,2\n");
  ExpectRefused("a:1: 2 columns, expected 3 as data.text.column_name says");
  EXPECT_THAT(Inspect(LabelUse::kIgnored).names, ElementsAre("x", "label", "y"));
  EXPECT_EQ(Ordered({"1", "2"}), "1,-,2");
  AddNumeric(&job_, "label");
  ExpectRefused("a:1: 2 columns, expected 3 as data.text.column_name says", LabelUse::kIgnored);
}

TEST_F(TextColumnsTest, FilesWithoutNamesHaveTheNumberOfTraining) {
  HasTrained(/*with_names=*/false);
  Add("a", "1,a,x\n");
  EXPECT_EQ(Inspect().n, 3);
  EXPECT_EQ(Ordered({"1", "a", "x"}), "1,a,x");
  Add("b", "a,x\n");
  ExpectRefused("b:1: 2 columns, expected 3 as in ");
  split_.clear_file();
  Add("b", "a,x\n");
  ExpectRefused("b:1: 2 columns, expected 3 as in training");
  EXPECT_EQ(Ordered({"a", "x"}), "-,a,x") << "the label stands before the others";
  EXPECT_EQ(Ordered({"a"}), "1 column, expected 2");
  EXPECT_THAT(Inspect(LabelUse::kIgnored).names, IsEmpty());
  split_.clear_file();
  Add("c", "a\n");
  ExpectRefused("c:1: 1 column, expected 3 as in training, or 2 without the 1 that only tasks read",
                LabelUse::kIgnored);
}

TEST_F(TextColumnsTest, MalformedLinesDoNotTellTheNumberOfColumns) {
  HasTrained(/*with_names=*/false);
  Add("a", "1,a,x,y\n\xff,a,x\n1,a,x\n");
  EXPECT_EQ(Inspect().n, 3);
  Add("b", "1,a\n1,a\n");
  ExpectRefused("b:1: 2 columns, expected 3 as in ");
}

TEST_F(TextColumnsTest, FilesWithNamesHaveThoseOfTrainingInAnyOrder) {
  HasTrained(/*with_names=*/true);
  text_.set_header(true);
  Add("a", "b,extra,a\n");
  EXPECT_THAT(Inspect(LabelUse::kIgnored).names, ElementsAre("label", "a", "b"));
  EXPECT_EQ(Ordered({"x", "?", "a"}), "-,a,x");
  ExpectRefused("a:1: no column \"label\" (task[0] \"y\"), which training had");
  split_.clear_file();
  Add("c", "label,b\n");
  ExpectRefused("c:1: no column \"a\" (field[0] \"a\"), which training had", LabelUse::kIgnored);
  split_.clear_file();
  Add("d", "a,label\n");
  EXPECT_EQ(Ordered({"a", "1"}), "1,a,-") << "nothing reads the third";
  split_.clear_file();
  Add("e", "a,b,a\n");
  ExpectRefused("e:1: column \"a\" (field[0] \"a\") is there 2 times, expected 1 as in training",
                LabelUse::kIgnored);
}

TEST_F(TextColumnsTest, APositionIsThatOfTraining) {
  HasTrained(/*with_names=*/true);
  job_.mutable_field(0)->set_column("#1");
  text_.set_header(true);
  Add("a", "a,b\n");
  EXPECT_EQ(Ordered({"v", "w"}), "-,v,w");
  split_.clear_file();
  text_.set_header(false);
  Add("b", "v,w\n");
  EXPECT_EQ(Ordered({"v", "w"}), "-,v,w") << "without a header, training's names count";
  split_.clear_file();
  for (const char* name : {"b", "label", "a"}) text_.add_column_name(name);
  Add("c", "w,1,v\n");
  EXPECT_EQ(Ordered({"w", "1", "v"}), "1,v,w") << "or those of the config";
}

TEST_F(TextColumnsTest, ColumnsOfOneNameAreToldApartByTheirOrder) {
  for (const char* name : {"x", "x", "y"}) job_.mutable_data()->mutable_columns()->add_name(name);
  job_.mutable_data()->mutable_columns()->set_n(3);
  AddField(&job_, "second", "#1");
  text_.set_header(true);
  Add("a", "y,x,x\n");
  EXPECT_EQ(Ordered({"1", "2", "3"}), "2,3,1");
  split_.clear_file();
  Add("b", "x,y\n");
  ExpectRefused("no column \"x\" (field[0] \"second\"), which training had");
}

TEST_F(TextColumnsTest, TrainingFindsTheColumnsOfItsFirstFileThatIsNotEmpty) {
  *job_.mutable_data()->mutable_train()->add_file() = folder_.Write("a", "");
  *job_.mutable_data()->mutable_train()->add_file() = folder_.Write("b", "x,y\n");
  FindColumns(&job_);
  EXPECT_EQ(job_.data().columns().n(), 2);
  EXPECT_EQ(job_.data().columns().name_size(), 0);
  text_.set_header(true);
  FindColumns(&job_);
  EXPECT_EQ(job_.data().columns().name_size(), 0) << "they are known";
  job_.mutable_data()->clear_columns();
  job_.mutable_data()->mutable_train()->set_file(0, folder_.Path("b"));
  FindColumns(&job_);
  EXPECT_THAT(job_.data().columns().name(), ElementsAre("x", "y"));
  job_.mutable_data()->clear_columns();
  text_.set_header(false);
  text_.add_column_name("z");
  FindColumns(&job_);
  EXPECT_THAT(job_.data().columns().name(), ElementsAre("z"));
}

TEST_F(TextColumnsTest, NoFileAndEmptyFilesAreRefused) {
  ExpectRefused("no file in a split");
  Add("a", "");
  ExpectRefused("is empty, expected examples");
  text_.set_header(true);
  ExpectRefused("is empty, expected a header");
}

TEST_F(TextColumnsTest, EveryFileIsOpenedAtOnce) {
  Add("a", "1\n");
  split_.add_file(folder_.Path("missing"));
  ExpectRefused("missing");
}

TEST(CheckText, NamesTheByteThatIsNoText) {
  EXPECT_EQ(CheckText({"知音", 1, false}), "");
  EXPECT_EQ(CheckText({std::string_view("a\0b", 3), 1, false}), "a NUL at byte 1, expected text");
  EXPECT_EQ(CheckText({"ab\xff", 1, false}), "byte 2 is not UTF-8, expected UTF-8 text");
  EXPECT_EQ(CheckText({"", 1, true}), "longer than 1048576 bytes, expected a shorter line");
}

TEST_F(TextColumnsTest, TicksForEveryFile) {
  for (int i = 0; i < 20; ++i) Add("f" + std::to_string(i), "1,2\n");
  int n_ticks = 0;
  InspectFiles(job_, split_, LabelUse::kNeeded, [&] { ++n_ticks; });
  EXPECT_EQ(n_ticks, 20);
}

}  // namespace
}  // namespace zhiyin::worker::data
