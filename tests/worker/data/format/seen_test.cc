// Which columns the records of a file have, and what columns they could have been, in every format.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/files.h"
#include "tests/support/format_records.h"
#include "tests/support/tf_examples.h"
#include "worker/data/format/format.h"
#include "worker/data/format/tf_record_writer.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::ElementsAre;
using zhiyin::testing::AsCategories;
using zhiyin::testing::AsNumber;
using zhiyin::testing::AsText;
using zhiyin::testing::Integers;
using zhiyin::testing::ParseText;
using zhiyin::testing::SeenIn;
using zhiyin::testing::SetFeature;
using zhiyin::testing::WantedColumns;

class SeenTest : public ::testing::Test {
 protected:
  std::vector<int> Seen(const Format& format, const std::string& content,
                        const WantedColumns& wanted, const std::string& text = "") {
    return SeenIn(format, folder_.Write("f", content), ParseText(text), wanted);
  }
  std::vector<std::string> Names(const Format& format, const std::string& content,
                                 const std::string& text = "") {
    return format.names(folder_.Write("f", content), ParseText(text));
  }

  testing::TempFolder folder_;
};

TEST_F(SeenTest, KeysOfJsonLines) {
  const WantedColumns wanted = {AsText("a"), AsText("u.id"), AsNumber("e[2]"), AsText("b")};
  const auto seen = [&](const std::string& content) { return Seen(kJsonLines, content, wanted); };
  EXPECT_THAT(seen("{\"a\": null, \"u\": {\"id\": 1}}\n{\"e\": [1, 2, 3]}\n"),
              ElementsAre(1, 1, 1, 0))
      << "a null is there, and what one record has stays";
  EXPECT_THAT(seen("{\"A\": 1, \"u\": {\"ID\": 1}, \"e\": [1]}"), ElementsAre(0, 0, 1, 0))
      << "a list may be short";
  EXPECT_THAT(seen("{\"u\": null, \"e\": null}"), ElementsAre(0, 1, 1, 0));
  EXPECT_THAT(seen("{\"u.id\": 1, \"e[2]\": 1}"), ElementsAre(0, 1, 1, 0));
  EXPECT_THAT(seen("{\"a\": 1, \"b\"}"), ElementsAre(0, 0, 0, 0)) << "it is malformed";
  EXPECT_THAT(Names(kJsonLines, "no JSON\n{\"b\": 1, \"u\": {\"id\": 1}}\n{\"a\": []}\n"),
              ElementsAre("a", "b", "u", "u.id"));
}

TEST_F(SeenTest, FeaturesOfTfRecords) {
  TfExample example;
  SetFeature(&example, "a", Integers({}));
  SetFeature(&example, "e", Integers({1}));
  std::string bytes;
  AppendTfRecord(example, &bytes);
  EXPECT_THAT(Seen(kTfRecord, bytes, {AsText("a"), AsNumber("e[2]"), AsText("b")}),
              ElementsAre(1, 1, 0));
  EXPECT_THAT(Names(kTfRecord, bytes), ElementsAre("a", "e"));
}

TEST_F(SeenTest, IndicesAndFields) {
  EXPECT_THAT(Seen(kLibsvm, "1 3:0\n0 4:1\n",
                   {AsNumber("label"), AsText("qid"), AsCategories("indices"), AsNumber("3"),
                    AsNumber("5")}),
              ElementsAre(1, 0, 1, 1, 0));
  EXPECT_THAT(Seen(kLibffm, "1 0:3:0\n",
                   {AsNumber("label"), AsCategories("0"), AsNumber("0.value"), AsCategories("1")}),
              ElementsAre(1, 1, 1, 0));
}

TEST_F(SeenTest, SlotsAndPlainValues) {
  const std::string text = "slots {} column_name: \"id\"";
  EXPECT_THAT(Seen(kSlots, "1,a:x b:y\n,c:z\n",
                   {AsText("id"), AsText("a"), AsText("c[1]"), AsText("d")}, text),
              ElementsAre(1, 1, 1, 0));
  EXPECT_THAT(Names(kSlots, "1,a:x b:y\n,c:z\n", text), ElementsAre("a", "b", "c", "id"));
}

}  // namespace
}  // namespace zhiyin::worker::data
