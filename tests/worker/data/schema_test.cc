#include "worker/data/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "tests/support/data_jobs.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::ThrowsMessage;
using zhiyin::testing::AddField;
using zhiyin::testing::AddNumeric;
using zhiyin::testing::AddTask;

const Columns kPeople = {4, {"id", "age", "city", "income"}, "people.csv:1"};

TEST(Schema, FindsColumnsByNameAndByPosition) {
  Job job;
  AddField(&job, "city");
  AddField(&job, "who", "id");
  AddNumeric(&job, "age", "#1");
  AddTask(&job, "rich", "income");
  const Schema schema = Schema::Of(job, kPeople);
  EXPECT_EQ(schema.n_columns, 4);
  EXPECT_THAT(schema.fields, ElementsAre(2, 0));
  EXPECT_THAT(schema.numerics, ElementsAre(1));
  EXPECT_THAT(schema.labels, ElementsAre(3));
}

TEST(Schema, NamesWhatIsMissingAndWhatIsThere) {
  Job job;
  AddNumeric(&job, "age");
  AddNumeric(&job, "height", "tall");
  EXPECT_THAT(
      [&] { Schema::Of(job, kPeople); },
      ThrowsMessage<Error>("people.csv:1: no column \"tall\" (numeric[1] \"height\"); known are "
                           "id, age, city, income"));
}

TEST(Schema, NamesTheNearestColumn) {
  Job job;
  AddField(&job, "place", "citty");
  EXPECT_THAT([&] { Schema::Of(job, kPeople); },
              ThrowsMessage<Error>(HasSubstr("the nearest is \"city\"")));
}

TEST(Schema, ListsOnlySomeOfVeryManyColumns) {
  Columns many = {100, {}, "f:1"};
  for (int c = 0; c < many.n; ++c) many.names.push_back("c" + std::to_string(c));
  Job job;
  AddField(&job, "something else");
  EXPECT_THAT(
      [&] { Schema::Of(job, many); },
      ThrowsMessage<Error>(AllOf(HasSubstr("c39, ... (100 in all)"), Not(HasSubstr("c40")))));
}

TEST(Schema, ColumnsWithoutNamesHavePositionsOnly) {
  const Columns unnamed = {3, {}, "f:1"};
  Job job;
  AddField(&job, "last", "#2");
  EXPECT_THAT(Schema::Of(job, unnamed).fields, ElementsAre(2));
  for (const char* column : {"#3", "#", "#-1", "#1x", "#99999999999"}) {
    Job wrong;
    AddTask(&wrong, "t", column);
    EXPECT_THAT([&] { Schema::Of(wrong, unnamed); },
                ThrowsMessage<Error>(std::string("f:1: no column \"") + column +
                                     "\" (task[0] \"t\"), expected #0 to #2"));
  }
  Job named;
  AddTask(&named, "t", "age");
  EXPECT_THAT([&] { Schema::Of(named, unnamed); },
              ThrowsMessage<Error>("f:1: no column \"age\" (task[0] \"t\"), expected #0 to #2, or "
                                   "names for the columns by data.text.header or column_name"));
}

TEST(Schema, ANameThatIsThereTwiceIsRefusedOnlyWhereItIsUsed) {
  const Columns twice = {3, {"a", "b", "a"}, "f:1"};
  Job job;
  AddField(&job, "b");
  EXPECT_THAT(Schema::Of(job, twice).fields, ElementsAre(1));
  AddField(&job, "a");
  EXPECT_THAT(
      [&] { Schema::Of(job, twice); },
      ThrowsMessage<Error>(HasSubstr("column \"a\" (field[1] \"a\") is there twice, #0 and #2")));
}

}  // namespace
}  // namespace zhiyin::worker::data
