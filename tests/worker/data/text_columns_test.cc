#include "worker/data/text_columns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/error.h"
#include "tests/support/files.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;

class TextColumnsTest : public ::testing::Test {
 protected:
  void Add(const std::string& name, const std::string& content) {
    split_.add_file(folder_.Write(name, content));
  }
  Columns Inspect(LabelUse labels = LabelUse::kNeeded) {
    return InspectFiles(split_, text_, labels).columns;
  }
  void ExpectRefused(const std::string& sentence) {
    EXPECT_THAT([&] { Inspect(); }, ThrowsMessage<Error>(HasSubstr(sentence)));
  }

  testing::TempFolder folder_;
  Text text_;
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

TEST_F(TextColumnsTest, OnlyWhereLabelsAreIgnoredTheLastNamedColumnsMayBeMissing) {
  for (const char* name : {"x", "y", "label"}) text_.add_column_name(name);
  Add("a", "1,2\n");
  EXPECT_EQ(Inspect(LabelUse::kNeeded).n, 3);
  EXPECT_THAT(Inspect(LabelUse::kIgnored).names, ElementsAre("x", "y"));
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

}  // namespace
}  // namespace zhiyin::worker::data
