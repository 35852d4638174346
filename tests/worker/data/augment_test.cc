#include "worker/data/augment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "common/error.h"
#include "launch/job/load_job.h"

namespace zhiyin::worker::data {
namespace {

constexpr int kManyRows = 4000;
constexpr int kValues = 8;

Job JobOf(const std::string& augment, const std::string& task = "") {
  return launch::job::ParseJob(R"(
      data { text { header: true } train { file: "x" } }
      table { name: "t" dim: 2 optimizer { sgd { learning_rate: 1 } } }
      field { name: "list" separator: "|" augment { )" +
                                   augment + R"( } } field { name: "id" }
      task { name: "a" label { number {} } binary_cross_entropy {} )" +
                                   task +
                                   R"( } task { name: "b" label { number {} } squared_error {} }
      model { shared_bottom { bottom: 2 } }
      train { epochs: 1 batch_size: 4 dense_optimizer { sgd { learning_rate: 1 } } })",
                               "job", ".", {});
}

/// Every row has the values 1 to 8, the id 99 and the labels 0 or 1, and 0.
Examples Some() {
  Examples rows(2, 0, 2);
  for (int i = 0; i < kManyRows; ++i) {
    for (Key k = 1; k <= kValues; ++k) rows.keys.push_back(k);
    rows.key_begin.push_back(static_cast<uint32_t>(rows.keys.size()));
    rows.keys.push_back(99);
    rows.key_begin.push_back(static_cast<uint32_t>(rows.keys.size()));
    rows.labels.push_back(static_cast<float>(i % 2));
    rows.labels.push_back(0);
    ++rows.n;
  }
  return rows;
}

Examples Augmented(const Job& job) {
  Augmenter augmenter(job);
  EXPECT_TRUE(augmenter.IsActive());
  const Examples rows = Some();
  Examples changed(2, 0, 2);
  for (int i = 0; i < kManyRows; ++i)
    augmenter.Append(rows, i, Random(7, static_cast<uint64_t>(i)), &changed);
  EXPECT_EQ(changed.n, kManyRows);
  for (int i = 0; i < kManyRows; ++i)
    EXPECT_EQ(std::vector<Key>(changed.KeysOf(i, 1).begin(), changed.KeysOf(i, 1).end()),
              std::vector<Key>{99});
  return changed;
}

std::vector<Key> List(const Examples& rows, int64_t i) {
  return {rows.KeysOf(i, 0).begin(), rows.KeysOf(i, 0).end()};
}

int Count(const Examples& rows, bool (*is)(const std::vector<Key>&)) {
  int n = 0;
  for (int64_t i = 0; i < rows.n; ++i) n += is(List(rows, i));
  return n;
}

TEST(Augmenter, DropsTheField) {
  const Examples rows = Augmented(JobOf("dropout: 0.25"));
  EXPECT_NEAR(Count(rows, [](const auto& list) { return list.empty(); }), 0.25 * kManyRows,
              4 * std::sqrt(0.25 * 0.75 * kManyRows));
  EXPECT_EQ(Count(rows, [](const auto& list) { return list.empty() || list.size() == kValues; }),
            kManyRows);
}

TEST(Augmenter, CropsToConsecutiveValues) {
  const Examples rows = Augmented(JobOf("crop: 0.5"));
  int n_cropped = 0;
  std::vector<int> n_at(kValues);
  for (int64_t i = 0; i < rows.n; ++i) {
    const std::vector<Key> list = List(rows, i);
    if (list.size() == kValues) continue;
    ASSERT_EQ(list.size(), 4u);
    for (size_t k = 1; k < list.size(); ++k) EXPECT_EQ(list[k], list[k - 1] + 1);
    ++n_at[list[0] - 1];
    ++n_cropped;
  }
  EXPECT_NEAR(n_cropped, 0.5 * kManyRows, 4 * std::sqrt(0.25 * kManyRows));
  for (size_t at = 0; at <= 4; ++at)
    EXPECT_NEAR(n_at[at], n_cropped / 5.0, 5 * std::sqrt(n_cropped / 5.0)) << at;
}

TEST(Augmenter, ReordersSomeOfThem) {
  const Examples rows = Augmented(JobOf("reorder: 0.5"));
  int n_other = 0;
  for (int64_t i = 0; i < rows.n; ++i) {
    std::vector<Key> list = List(rows, i);
    n_other += !std::is_sorted(list.begin(), list.end());
    int n_moved = 0;
    for (size_t k = 0; k < list.size(); ++k) n_moved += list[k] != k + 1;
    EXPECT_LE(n_moved, 4);
    std::sort(list.begin(), list.end());
    ASSERT_EQ(list, (std::vector<Key>{1, 2, 3, 4, 5, 6, 7, 8}));
  }
  EXPECT_NEAR(n_other, 0.5 * kManyRows * 23 / 24, 4 * std::sqrt(0.25 * kManyRows));
}

TEST(Augmenter, KeepsTheKeysOfTheDataAsWell) {
  Examples rows = Augmented(JobOf("dropout: 0.3 crop: 0.3 reorder: 0.3 mask: 0.3"));
  const Examples data = Some();
  for (int64_t i = 0; i < rows.n; ++i) {
    for (int f = 0; f < 2; ++f)
      ASSERT_THAT(rows.DataKeysOf(i, f), ::testing::ElementsAreArray(data.KeysOf(i, f))) << i;
  }
  EXPECT_LT(rows.keys.size(), data.keys.size());
  rows.Clear();
  EXPECT_TRUE(rows.data_keys.empty() && rows.data_key_begin.empty());

  const Examples unchanged = Augmented(JobOf("", "negative_share: 0.3"));
  EXPECT_TRUE(unchanged.data_key_begin.empty()) << "they are the keys";
  EXPECT_THAT(unchanged.DataKeysOf(7, 0), ::testing::ElementsAreArray(unchanged.KeysOf(7, 0)));
}

TEST(Augmenter, MasksEachValueByItself) {
  const Examples rows = Augmented(JobOf("mask: 0.2"));
  const double n = static_cast<double>(rows.keys.size()) - kManyRows;
  EXPECT_NEAR(n, 0.8 * kManyRows * kValues, 4 * std::sqrt(0.16 * kManyRows * kValues));
}

TEST(Augmenter, LeavesOutNegativesOfOneTask) {
  const Examples rows = Augmented(JobOf("", "negative_share: 0.3"));
  int n_kept = 0;
  for (int i = 0; i < kManyRows; ++i) {
    const float label = rows.labels[static_cast<size_t>(2 * i)];
    if (i % 2 == 1) {
      EXPECT_EQ(label, 1);
    }
    n_kept += i % 2 == 0 && label == 0;
    if (!std::isnan(label)) {
      EXPECT_EQ(rows.weights[static_cast<size_t>(2 * i)], label == 0 ? 1 / 0.3 : 1)
          << "one stands for those that were left out";
    }
    EXPECT_EQ(rows.labels[static_cast<size_t>(2 * i + 1)], 0) << "another task's";
    EXPECT_EQ(rows.weights[static_cast<size_t>(2 * i + 1)], 1);
  }
  EXPECT_NEAR(n_kept, 0.3 * kManyRows / 2, 4 * std::sqrt(0.21 * kManyRows / 2));
}

TEST(Augmenter, IsNotActiveWithoutRules) {
  EXPECT_FALSE(Augmenter(JobOf("")).IsActive());
}

TEST(Augmenter, SharesThatAreNoneAreRefused) {
  using ::testing::HasSubstr;
  using ::testing::ThrowsMessage;
  EXPECT_THAT(
      [] { JobOf("mask: 1"); },
      ThrowsMessage<Error>(HasSubstr("field[list].augment.mask: is 1, expected 0 to less than 1")));
  EXPECT_THAT([] { JobOf("dropout: -0.1"); },
              ThrowsMessage<Error>(HasSubstr("augment.dropout: is -0.1")));
  EXPECT_THAT(
      [] { JobOf("", "negative_share: 0"); },
      ThrowsMessage<Error>(HasSubstr("negative_share: is 0, expected more than 0, at most 1")));
}

}  // namespace
}  // namespace zhiyin::worker::data
