#include "worker/data/joins.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/hash.h"
#include "launch/job/load_job.h"
#include "tests/support/compress.h"
#include "tests/support/data_jobs.h"
#include "tests/support/files.h"
#include "worker/data/behaviour.h"
#include "worker/data/source.h"
#include "worker/data/writer/table_format.h"
#include "worker/model/label_domains.h"
#include "worker/recommend/baselines.h"

namespace zhiyin::worker::data {
namespace {

using namespace std::string_view_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class JoinsTest : public ::testing::Test {
 protected:
  /// A job whose rows are joined with makers by item, and with places by the makers' place.
  Job JobOf(const std::string& items, const std::string& extra = "") {
    const std::string events = folder_.Write(
        "events.csv", "user,item,time,rating\nann,cup,1,5\nbob,pot,2,1\nann,mug,3,4\n");
    const std::string item_file = folder_.Write("items.csv", items);
    const std::string places = folder_.Write("places", "Aachen|warm\nBonn|cold\n");
    return launch::job::ParseJob(
        R"(
      data { text { header: true } train { file: ")" +
            events + R"(" } test { file: ")" + events + R"(" }
        join { file: ")" +
            item_file + R"(" column: "item" }
        join { file: ")" +
            places +
            R"(" column: "place" key: "town" text { delimiter: "|" column_name: ["town", "weather"] } } )" +
            extra + R"( }
      table { name: "t" dim: 2 optimizer { sgd { learning_rate: 1 } } }
      field { name: "item" } field { name: "weather" }
      numeric { name: "price" standardise: false }
      task { name: "rating" label { at_least: 4 } binary_cross_entropy {} }
      model { shared_bottom { bottom: 2 } }
      train { epochs: 1 batch_size: 4 dense_optimizer { sgd { learning_rate: 1 } } })",
        "job", ".", {});
  }
  Examples Read(const Job& job) {
    Examples rows;
    std::vector<BadLine> bad;
    MakeSource(job, SplitKind::kTrain, model::LabelDomainsOf(job))->Read(0, &rows, &bad);
    EXPECT_TRUE(bad.empty());
    return rows;
  }
  testing::TempFolder folder_;
};

constexpr const char* kItems = "price,item,place\n2.5,cup,Bonn\n7,pot,Aachen\n9,new,Bonn\n";

TEST_F(JoinsTest, RowsHaveTheColumnsOfTheirLinesAndOfThose) {
  const Examples rows = Read(JobOf(kItems));
  ASSERT_EQ(rows.n, 3);
  EXPECT_EQ(rows.numerics[0], 2.5f);
  EXPECT_EQ(rows.numerics[1], 7.0f);
  EXPECT_EQ(rows.numerics[2] != rows.numerics[2], true) << "a mug has no line";
  const CategoryHasher weather("weather");
  ASSERT_EQ(rows.KeysOf(0, 1).size(), 1u);
  EXPECT_EQ(rows.KeysOf(0, 1)[0], weather("cold"));
  EXPECT_EQ(rows.KeysOf(1, 1)[0], weather("warm"));
  EXPECT_TRUE(rows.KeysOf(2, 1).empty());
}

TEST_F(JoinsTest, SpacesWithinQuotesAreNoPartOfAKey) {
  const Examples rows = Read(JobOf("price,\"item \",place\n\" 2.5\",\" cup \",Bonn\n"));
  ASSERT_EQ(rows.n, 3);
  EXPECT_EQ(rows.numerics[0], 2.5);
}

TEST_F(JoinsTest, AHeaderOfTheNamesInAnotherOrderIsRefused) {
  Job job = JobOf(kItems);
  for (const char* name : {"item", "price", "place"})
    job.mutable_data()->mutable_join(0)->mutable_text()->add_column_name(name);
  for (const bool has_header : {true, false}) {
    job.mutable_data()->mutable_join(0)->mutable_text()->set_header(has_header);
    EXPECT_THAT(
        [&] { Joins::Read(job); },
        ThrowsMessage<Error>(HasSubstr("items.csv:1: has the names of data.text.column_name "
                                       "in another order: column #0 is \"price\"")));
  }
}

TEST_F(JoinsTest, AHeaderWithinAFileIsNoLine) {
  const auto joins = Joins::Read(JobOf("item,place\ncup,Bonn\npot,Bonn\nitem,place\nmug,Bonn\n"));
  EXPECT_EQ(joins->ByColumn("item")->n_lines(), 3);
  EXPECT_THAT(joins->ByColumn("item")->bad(),
              ElementsAre(folder_.Path("items.csv") + ":4: repeats the header, expected values"));
}

constexpr const char* kJsonItems =
    R"({"item": "cup", "price": 2.5, "place": "Bonn", "tags": ["a|b", "c"], "other": 1}
{"item": "pot", "price": 7, "place": "Aachen", "tags": "d|e", "other": 1}
{"item": "new", "price": 9, "place": "Bonn", "tags": [], "other": 1}
)";

TEST_F(JoinsTest, AFileOfAnotherFormatThanTheFirstIsRefused) {
  const std::string csv = folder_.Write("more.csv", kItems);
  const std::string json = folder_.Write("more.json", kJsonItems);
  Job job = JobOf(kItems);
  job.mutable_data()->mutable_join(0)->add_file(json);
  EXPECT_THAT([&] { Joins::Read(job); },
              ThrowsMessage<Error>(HasSubstr("more.json: is JSON Lines, expected delimited text as "
                                             "in " +
                                             folder_.Path("items.csv"))));
  job.mutable_data()->mutable_join(0)->set_file(0, json);
  job.mutable_data()->mutable_join(0)->set_file(1, csv);
  EXPECT_THAT([&] { Joins::Read(job); },
              ThrowsMessage<Error>(HasSubstr("more.csv: is delimited text, expected JSON Lines as "
                                             "in " +
                                             json)));
}

/// Adds a field that reads the tags of the joined items.
void AddTags(Job* job) {
  Field* field = job->add_field();
  field->set_name("tags");
  field->set_column("tags");
  field->set_vocabulary("tags");
  field->set_separator("|");
}

TEST_F(JoinsTest, OfRecordsAddTheColumnsThatTheJobReads) {
  Job job = JobOf(kJsonItems);
  AddTags(&job);
  const Examples rows = Read(job);
  EXPECT_THAT(Joins::Read(job)->ByColumn("item")->columns(), ElementsAre("tags", "price", "place"));
  ASSERT_EQ(rows.n, 3);
  EXPECT_EQ(rows.numerics[0], 2.5);
  EXPECT_EQ(rows.numerics[1], 7);
  EXPECT_TRUE(std::isnan(rows.numerics[2])) << "a mug has no record";
  EXPECT_EQ(rows.KeysOf(0, 1)[0], CategoryHasher("weather")("cold"));
  const CategoryHasher tags("tags");
  // A separator splits a text, not the elements of a list.
  EXPECT_THAT(rows.KeysOf(0, 2), ElementsAre(tags("a|b"), tags("c")));
  EXPECT_THAT(rows.KeysOf(1, 2), ElementsAre(tags("d"), tags("e")));
  EXPECT_TRUE(rows.KeysOf(2, 2).empty());
}

TEST_F(JoinsTest, OfEveryFormatAddEqualColumns) {
  const DataTable table = {{{"item", ColumnKind::kCategory},
                            {"price", ColumnKind::kNumber},
                            {"place", ColumnKind::kCategory},
                            {"tags", ColumnKind::kCategories}},
                           [](TableWriter* writer) {
                             const std::string_view two[] = {"x", "y z"};
                             const std::string_view one[] = {"x"};
                             writer->Row({"cup"sv, "2.25"sv, "Bonn"sv, Value::List(two)});
                             writer->Row({"pot"sv, "0.1"sv, "Aachen"sv, Value()});
                             writer->Row({"mug"sv, Value(), Value(), Value::List(one)});
                           }};
  const auto rows_in = [&](const std::string& bytes) {
    Job job = JobOf(bytes);
    AddTags(&job);
    return Read(job);
  };
  const auto bytes_in = [&](const TableFormat& format) {
    std::ostringstream bytes;
    WriteTable(table, format, &bytes);
    return bytes.str();
  };
  const Examples expected = rows_in(bytes_in(kCsvTable));
  EXPECT_EQ(expected.numerics[1], 0.1);
  EXPECT_EQ(expected.KeysOf(0, 2).size(), 2u);
  for (const TableFormat* format : TableFormats()) {
    if (!format->refuses(table.columns).empty()) continue;  // no plugin; or no names
    SCOPED_TRACE(format->name);
    const std::string bytes = bytes_in(*format);
    testing::ExpectSameRows(rows_in(bytes), expected);
    if (!format->may_be_compressed) continue;
    for (const testing::Compression& compression : testing::Compressions())
      testing::ExpectSameRows(rows_in(compression.compress(bytes)), expected);
  }
}

TEST_F(JoinsTest, OfNumbersAddTheColumnsThatAreSaid) {
  const std::string events = folder_.Write("numbers.csv", "item,rating\n17,5\n18,1\n99,4\n");
  const auto job_of = [&](const std::string& add) {
    return launch::job::ParseJob(R"(
      data { text { header: true } train { file: ")" +
                                     events + R"(" } join { file: ")" +
                                     folder_.Write("items.txt", "17 3:2.5 5:1\n18 5:0.5\n") +
                                     R"(" column: "item" key: "label" text { libsvm {} } )" + add +
                                     R"( } }
      numeric { name: "price" column: "3" } numeric { name: "age" column: "5" }
      task { name: "rating" label { at_least: 4 } binary_cross_entropy {} }
      model { shared_bottom { bottom: 2 } }
      train { epochs: 1 batch_size: 4 dense_optimizer { sgd { learning_rate: 1 } } })",
                                 "job", ".", {});
  };
  const Examples rows = Read(job_of(R"(add: "3" add: "5")"));
  ASSERT_EQ(rows.n, 3);
  EXPECT_THAT(std::span(rows.numerics).first(4), ElementsAre(2.5, 1, 0, 0.5));
  EXPECT_TRUE(std::isnan(rows.numerics[4])) << "an item without a record";
  EXPECT_THAT([&] { job_of(""); },
              ThrowsMessage<Error>(HasSubstr("data.join[0]: has files whose columns are numbers, "
                                             "expected add, the columns to add")));
}

TEST_F(JoinsTest, OnlyTheColumnsThatAreSaidAreAdded) {
  Job job = JobOf("price,item,place,rating\n2.5,cup,Bonn,5\nx,pot,Bonn,2\n");
  for (const char* name : {"place", "price"}) job.mutable_data()->mutable_join(0)->add_add(name);
  const auto joins = Joins::Read(job);
  const JoinedFile& file = *joins->ByColumn("item");
  EXPECT_THAT(file.columns(), ElementsAre("price", "place"));
  EXPECT_EQ(file.n_bad(), 1);
  // What is not added is not checked, and may have the name of another column.
  job.clear_numeric();
  job.mutable_data()->mutable_join(0)->mutable_add()->RemoveLast();
  EXPECT_EQ(Joins::Read(job)->ByColumn("item")->n_bad(), 0);
  EXPECT_EQ(Read(job).KeysOf(0, 1).size(), 1u);
  job.mutable_data()->mutable_join(0)->add_add("town");
  EXPECT_THAT(
      [&] { Joins::Read(job); },
      ThrowsMessage<Error>(HasSubstr("items.csv: no column \"town\" (data.join[0].add[1])")));
  job = JobOf(kJsonItems);
  job.mutable_data()->mutable_join(0)->add_add("weather");
  EXPECT_THAT([&] { Joins::Read(job); },
              ThrowsMessage<Error>(
                  HasSubstr("items.csv: no record has the column \"weather\" (data.join[0])")));
}

TEST_F(JoinsTest, MalformedRecordsAreNamedAndLeftOut) {
  const Job job = JobOf(std::string(kJsonItems) +
                        R"({"item": "jug", "price": "many"}
{"item": null, "price": 1}
{"item": "cup", "price": 1}
)");
  const auto joins = Joins::Read(job);
  const JoinedFile& items = *joins->ByColumn("item");
  EXPECT_EQ(items.n_lines(), 3);
  EXPECT_THAT(items.bad(), ElementsAre(HasSubstr("items.csv:4: item \"jug\": numeric \"price\""),
                                       HasSubstr("items.csv:5: no item, expected one"),
                                       HasSubstr("items.csv:6: item \"cup\": is there twice")));
}

TEST_F(JoinsTest, NumbersThatMeanMissingAreMissing) {
  Job job = JobOf(R"({"item": "cup", "price": -999, "place": "Bonn"}
{"item": "pot", "price": 7.0, "place": "Bonn"}
{"item": "mug", "price": 8, "place": "Bonn"}
)");
  job.mutable_data()->mutable_text()->add_missing("-999.0");
  job.mutable_data()->mutable_join(0)->mutable_text()->add_missing("7");
  const Examples rows = Read(job);
  EXPECT_TRUE(std::isnan(rows.numerics[0])) << "missing by the text of the examples";
  EXPECT_TRUE(std::isnan(rows.numerics[1])) << "missing by the text of the join";
  EXPECT_EQ(rows.numerics[2], 8);
}

TEST_F(JoinsTest, ItemsOfAJoinAreItemsOfTheBehaviour) {
  const Job job =
      JobOf(kItems, R"(behaviour { user: "user" item: "item" time: "time" share: 1e-9 })");
  const auto behaviour = Behaviour::Read(job);
  ASSERT_EQ(behaviour->n_items(), 4);
  EXPECT_EQ(behaviour->item(3), "new");
  EXPECT_EQ(behaviour->count(3), 0);
  EXPECT_EQ(behaviour->FindItem("new"), 3);
  EXPECT_EQ(behaviour->n_users(), 2);
}

TEST_F(JoinsTest, ItemsAreRecommendedByTheirContentAlone) {
  // The weights of three terms: place Bonn has log(4 / 2), Aachen and each price log(4 / 1); a mug
  // has none.
  const auto behaviour = Behaviour::Read(
      JobOf(kItems, R"(behaviour { user: "user" item: "item" time: "time" share: 1e-9 })"));
  const auto baseline = recommend::MakeContentOnly(*behaviour);
  ASSERT_NE(baseline, nullptr);
  std::vector<float> scores(4);
  baseline->Score(behaviour->FindUser("ann"), scores);  // has a cup and a mug
  EXPECT_NEAR(scores[0], 1, 1e-6) << "a cup is like a cup";
  EXPECT_EQ(scores[1], 0) << "a pot has nothing of it";
  EXPECT_EQ(scores[2], 0);
  const double bonn = std::log(2.0);
  const double price = std::log(4.0);
  EXPECT_NEAR(scores[3], bonn * bonn / (bonn * bonn + price * price), 1e-6)
      << "the new one is of the same place";
}

TEST_F(JoinsTest, AMissingKeyFindsNoLineAndAMissingValueIsNone) {
  Job job = JobOf("price,item,place\n2.5,cup,Bonn\n7,pot,?\n9,mug,Aachen\n");
  job.mutable_data()->mutable_text()->add_missing("cup");
  job.mutable_data()->mutable_join(0)->mutable_text()->add_missing("?");
  job.mutable_data()->mutable_join(0)->mutable_text()->add_missing("9");
  const Examples rows = Read(job);
  ASSERT_EQ(rows.n, 3);
  EXPECT_TRUE(std::isnan(rows.numerics[0])) << "the cup, which here means no item";
  EXPECT_TRUE(rows.KeysOf(0, 1).empty());
  EXPECT_EQ(rows.numerics[1], 7);
  EXPECT_TRUE(rows.KeysOf(1, 1).empty()) << "no place, so no weather";
  EXPECT_TRUE(std::isnan(rows.numerics[2])) << "missing by the join's own text";
  EXPECT_EQ(rows.KeysOf(2, 1).size(), 1u);
  job.mutable_data()->mutable_join(0)->mutable_text()->add_missing("pot");
  EXPECT_THAT(Joins::Read(job)->ByColumn("item")->bad(),
              ElementsAre(HasSubstr("items.csv:3: no item, expected one")));
}

TEST_F(JoinsTest, MalformedLinesAreNamedAndLeftOut) {
  const std::string more =
      "abc,new,Bonn\n1,cup,Aachen\n1,jar\n1,,Bonn\n1,j\xff,Bonn\n1,a|b,Bonn\n?,jug,Bonn\n";
  std::string good;
  for (const char* item : {"a", "b", "c", "d", "e", "f", "g"})
    good += "1," + std::string(item) + ",Bonn\n";
  const std::string lines = "price,item,place\n2.5,cup,Bonn\n" + good;
  const Job job =
      JobOf(lines + more, R"(behaviour { user: "user" item: "item" time: "time" from_time: 9 })");
  const auto joins = Joins::Read(job);
  EXPECT_EQ(joins->n_bad(), 7);
  const JoinedFile& items = *joins->ByColumn("item");
  EXPECT_EQ(items.n_lines(), 8);
  EXPECT_EQ(items.Find("new"), -1);
  ASSERT_EQ(items.bad().size(), 7u);
  const char* expected[] = {
      ("items.csv:10: item \"new\": numeric \"price\" (column #0): \"abc\", expected a finite "
       "number"),
      "items.csv:11: item \"cup\": is there twice",
      "items.csv:12: 2 columns, expected 3",
      "items.csv:13: no item, expected one",
      "items.csv:14: byte 3 is not UTF-8",
      "items.csv:15: item \"a|b\": expected an item without |",
      "items.csv:16: item \"jug\": numeric \"price\""};
  for (size_t i = 0; i < std::size(expected); ++i)
    EXPECT_THAT(items.bad()[i], HasSubstr(expected[i]));
  std::vector<Value> values;
  items.Append(items.Find("cup"), &values);
  ASSERT_EQ(values.size(), 2u);
  EXPECT_EQ(values[0].text(), "2.5");
  EXPECT_EQ(values[1].text(), "Bonn") << "the first line of a key counts";
  EXPECT_EQ(joins->BadLineNotes()[0], "data.join[0]: 7 of 15 lines are malformed and left out");
}

TEST_F(JoinsTest, NoMalformedLineIsAllowedWhereTheJobAllowsNone) {
  EXPECT_THAT([&] { Joins::Read(JobOf(std::string(kItems) + "x,jug,Bonn\n", "max_bad_share: 0")); },
              ThrowsMessage<Error>(HasSubstr("items.csv:5: item \"jug\": ")));
}

TEST_F(JoinsTest, LinesThatFindNoneAreCounted) {
  const Job job = JobOf(kItems);
  const auto source = MakeSource(job, SplitKind::kTrain, model::LabelDomainsOf(job));
  Examples rows;
  std::vector<BadLine> bad;
  source->Read(0, &rows, &bad);
  EXPECT_EQ(source->joined().n_lines, 3);
  EXPECT_THAT(source->joined().n_looked_up, ElementsAre(3, 2)) << "a mug has no place";
  EXPECT_THAT(source->joined().n_found, ElementsAre(2, 2));
  EXPECT_THAT(source->joined().first_missed, ElementsAre("", ""));
  EXPECT_THAT(source->PlaceOf(2), ::testing::EndsWith("events.csv:4"));
  source->Read(1, &rows, &bad);
  EXPECT_EQ(source->joined().n_lines, 0) << "the counts are those of the last block";
}

TEST_F(JoinsTest, SaysWhatIsWrongAndWhere) {
  const auto refused = [&](const std::string& items) {
    return [this, items] { Read(JobOf(items)); };
  };
  EXPECT_THAT(refused("price,item,place\n1,,Bonn\n"),
              ThrowsMessage<Error>(HasSubstr("items.csv:2: no item, expected one (1 of 1 lines of "
                                             "data.join[0] are malformed, expected half")));
  EXPECT_THAT(refused("price,item,place\n1,cup\n"),
              ThrowsMessage<Error>(HasSubstr("items.csv:2: 2 columns, expected 3")));
  EXPECT_THAT(
      refused("price,ite,place\n"),
      ThrowsMessage<Error>(HasSubstr("no column \"item\" (data.join); the nearest is \"ite\"")));
  EXPECT_THAT(refused("price,item,plac\n1,cup,Bonn\n"),
              ThrowsMessage<Error>(HasSubstr("no column \"place\" (data.join)")));
  EXPECT_THAT(refused("price,item,place,rating\n1,cup,Bonn,3\n"),
              ThrowsMessage<Error>(HasSubstr("a column \"rating\", and data.join has one, too")));
  EXPECT_THAT(refused(""),
              ThrowsMessage<Error>(HasSubstr("items.csv: is empty, expected a header")));
}

TEST_F(JoinsTest, TheConfigurationIsCheckedBeforeAnyFileIsRead) {
  const auto refused = [&](const std::string& extra) {
    return [this, extra] { JobOf(kItems, extra); };
  };
  EXPECT_THAT(refused(R"(join { column: "item" })"),
              ThrowsMessage<Error>(HasSubstr("data.join[2]: has no file")));
  EXPECT_THAT(refused(R"(join { file: "x" })"),
              ThrowsMessage<Error>(HasSubstr("data.join[2].column: is missing")));
  EXPECT_THAT(refused(R"(join { file: "x" column: "item" text { delimiter: "|" } })"),
              ThrowsMessage<Error>(HasSubstr("data.join[2]: needs columns with names")));
  EXPECT_THAT(refused(R"(join { file: "x" column: "item" key: "k" text { column_name: "a" } })"),
              ThrowsMessage<Error>(
                  HasSubstr("data.join[2].key: is \"k\", expected a name of text.column_name")));
  EXPECT_THAT(refused(R"(join { file: "x" column: "item" add: "a" add: "a" })"),
              ThrowsMessage<Error>(HasSubstr("data.join[2].add[1]: \"a\" comes twice")));
  EXPECT_THAT(
      refused(R"(join { file: "x" column: "item" add: "item" })"),
      ThrowsMessage<Error>(HasSubstr("data.join[2].add[0]: is the key, which is not added")));
  EXPECT_THAT(refused(R"(join { file: "x" column: "item" add: "b" text { column_name: "item" } })"),
              ThrowsMessage<Error>(HasSubstr("data.join[2].add[0]: no column \"b\"")));
  const std::string events = R"(behaviour { user: "user" item: "item" time: "time" from_time: 9 )";
  EXPECT_THAT(
      refused(events + R"(event: "#3" })"),
      ThrowsMessage<Error>(HasSubstr("data.behaviour.event: is \"#3\", expected a column's name")));
  EXPECT_THAT(refused(events + R"(negatives { per_event: 0 task: "rating" } })"),
              ThrowsMessage<Error>(HasSubstr("per_event: is 0, expected 1 to 100")));
  EXPECT_THAT(refused(events + R"(negatives { per_event: 1 } })"),
              ThrowsMessage<Error>(HasSubstr("data.behaviour.negatives: has no task")));
  EXPECT_THAT(refused(events + R"(negatives { per_event: 1 task: "like" } })"),
              ThrowsMessage<Error>(HasSubstr("task[0]: is \"like\", expected the name of a task")));
  EXPECT_THAT(refused(events + R"(negatives { per_event: 1 power: 2 task: "rating" } })"),
              ThrowsMessage<Error>(HasSubstr("power: is 2, expected 0 to 1")));
}

TEST_F(JoinsTest, ReadingTicks) {
  std::string items = "item,price,place\n";
  for (int i = 0; i < 3 * PieceTick::kPieces; ++i) items += std::to_string(i) + ",1,Bonn\n";
  int n_ticks = 0;
  Joins::Read(JobOf(items), [&] { ++n_ticks; });
  EXPECT_GE(n_ticks, 2 + 3) << "for each file, and for their lines";
}

}  // namespace
}  // namespace zhiyin::worker::data
