#include "worker/saved/scored_split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace zhiyin::worker::saved {
namespace {

using ::testing::ElementsAre;

TEST(ScoredSplit, FindsTheFieldOfAColumn) {
  Job job;
  const auto add = [&](const std::string& column) {
    Field* const field = job.add_field();
    field->set_column(column);
    return field;
  };
  add("tags")->set_separator("|");
  add("price")->add_bucket(10);
  add("user");
  add("price");
  EXPECT_EQ(FieldOfColumn(job, "user"), 2);
  EXPECT_EQ(FieldOfColumn(job, "price"), 3);  // not the buckets
  EXPECT_EQ(FieldOfColumn(job, "tags"), std::nullopt);
  EXPECT_EQ(FieldOfColumn(job, "item"), std::nullopt);
}

TEST(ScoredSplit, GivesTheFirstKeyOfEachExample) {
  data::Examples first(2, 0, 0);
  first.n = 2;
  first.keys = {1, 5, 8, 2};
  first.key_begin = {0, 1, 3, 4, 4};
  data::Examples second(2, 0, 0);
  second.n = 1;
  second.keys = {7};
  second.key_begin = {0, 0, 1};
  EXPECT_THAT(FirstKeys({first, second}, 0), ElementsAre(1, 2, 0));
  EXPECT_THAT(FirstKeys({first, second}, 1), ElementsAre(5, 0, 7));
}

}  // namespace
}  // namespace zhiyin::worker::saved
