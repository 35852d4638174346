#include "worker/data/unpredicted.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "common/error.h"
#include "tests/support/data_jobs.h"
#include "tests/support/files.h"
#include "worker/model/label_domains.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::HasSubstr;

TEST(Unpredicted, CountsAllAndNamesTheFirstOfTheSplit) {
  Unpredicted even;
  Unpredicted odd;
  const std::vector<int64_t> positions = {0, 7, 200};
  for (int64_t block = 0; block < 10; ++block) (block % 2 == 0 ? even : odd).Add(block, positions);
  EXPECT_EQ(even.n, 15);
  EXPECT_EQ(even.first.size(), Unpredicted::kMaxNamed);
  odd.Merge(Unpredicted::Parse(even.Serialize()));
  EXPECT_EQ(odd.n, 30);
  ASSERT_EQ(odd.first.size(), Unpredicted::kMaxNamed);
  for (size_t i = 0; i < odd.first.size(); ++i) {
    EXPECT_EQ(odd.first[i].block, static_cast<int64_t>(i / 3));
    EXPECT_EQ(odd.first[i].position, positions[i % 3]);
  }
  EXPECT_THROW(Unpredicted::Parse(even.Serialize() + "x"), Error);
  EXPECT_THROW(Unpredicted::Parse(even.Serialize().substr(0, 20)), Error);
}

TEST(Unpredicted, IsAnExampleThatLacksThePredictionOfSomeTask) {
  EXPECT_EQ(WithoutPrediction(std::vector<float>{0, NAN, 1, 1, NAN, NAN}, 2),
            (std::vector<int64_t>{0, 2}));
  EXPECT_TRUE(WithoutPrediction({}, 2).empty());
}

TEST(Unpredicted, ANameHasTheFileTheLineAndTheMostExtremeNumeric) {
  testing::TempFolder folder;
  // The second file begins in the middle of a block, and behind a malformed line.
  const std::string first = folder.Write("a.csv", "1,2,0\n3,x,0\n");
  const std::string second = folder.Write("b.csv", "5,6,0\n\n-1e9,4e8,0\n");
  Job job = testing::TextJob({first, second});
  testing::AddNumeric(&job, "x", "#0")->set_standardise(true);
  testing::AddNumeric(&job, "y", "#1");
  testing::AddTask(&job, "t", "#2");
  const auto source = MakeSource(job, SplitKind::kTrain, model::LabelDomainsOf(job));
  Unpredicted unpredicted;
  unpredicted.Add(0, std::vector<int64_t>{1, 2});
  const Normalizer normalizer = {{0, 0}, {0.5f, 1}};
  unpredicted.Name(job, normalizer, source.get(), [] {});
  EXPECT_EQ(unpredicted.first[0].name,
            second + ":1: none of its numerics is extreme: lower the learning rates");
  EXPECT_THAT(unpredicted.first[1].name,
              HasSubstr("b.csv:3: numeric \"x\" is -1e+09, 5e+08 stand"));
  EXPECT_THAT(DescribeExtreme(job, normalizer, std::vector<double>{-5e8, 4e8}),
              HasSubstr("numeric \"x\" is -1e+09, 5e+08 stand"))
      << "after normalization";
  EXPECT_EQ(UnpredictedNotes(unpredicted, 3, "left empty").size(), 3u);
  EXPECT_TRUE(UnpredictedNotes({}, 3, "left empty").empty());
}

}  // namespace
}  // namespace zhiyin::worker::data
