// From keys to the input and from its gradient to the rows: hand-computed numbers, and finite
// differences.
#include "worker/model/embedding_input.h"

#include <gmock/gmock.h>

#include <map>

#include "common/random.h"
#include "launch/job/load_job.h"
#include "tests/support/finite_difference.h"

namespace zhiyin::worker::model {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// One table of dim 2, a field with several values that `how` describes, one with a single value,
/// and a numeric.
Job JobOfInput(const std::string& how) {
  const std::string reader = how.find("sequence_length") == std::string::npos
                                 ? ""
                                 : R"(sequence { field: "seen" pool {} })";
  return launch::job::ParseJob(R"(
      data { text { column_name: ["seen", "item", "price", "click"] } train { file: "a.csv" } }
      table { name: "ids" dim: 2 optimizer { sgd { learning_rate: 1 } } }
      field { name: "seen" separator: "|" )" +
                                   how + R"( }
      field { name: "item" vocabulary: "seen" }
      numeric { name: "price" }
      task { name: "click" label { equals: "1" } binary_cross_entropy {} }
      model { shared_bottom { bottom: 2 } )" +
                                   reader + R"( }
      train { epochs: 1 batch_size: 4 dense_optimizer { sgd { learning_rate: 1 } } })",
                               "job", ".", {});
}

/// Keys of the fields seen and item of a row, and its price.
struct Sample {
  std::vector<Key> seen;
  std::vector<Key> item;
  float price = 0;
};

data::Examples RowsOf(const std::vector<Sample>& samples) {
  data::Examples rows(2, 1, 1);
  for (const Sample& sample : samples) {
    for (const std::vector<Key>& keys : {sample.seen, sample.item}) {
      rows.keys.insert(rows.keys.end(), keys.begin(), keys.end());
      rows.key_begin.push_back(static_cast<uint32_t>(rows.keys.size()));
    }
    rows.numerics.push_back(sample.price);
    rows.labels.push_back(0);
    ++rows.n;
  }
  return rows;
}

/// What stands in the row of a key: [key, -10 * key], but key 4 has [40, 4].
std::pair<float, float> RowOf(Key key) {
  const float k = static_cast<float>(key);
  return key == 4 ? std::pair(40.0f, 4.0f) : std::pair(k, -10 * k);
}

struct Input : EmbeddingInput {
  Input(const Job& job, const std::vector<Sample>& samples)
      : EmbeddingInput(job, InputLayout::Of(job)) {
    Take(samples);
  }
  void Take(const std::vector<Sample>& samples) {
    Prepare(RowsOf(samples));
    for (size_t k = 0; k < keys(0).size(); ++k)
      std::tie(weights(0)[2 * k], weights(0)[2 * k + 1]) = RowOf(keys(0)[k]);
  }
  std::vector<float> RowOfX(Eigen::Index i) const {
    Matrix x;
    Pool(&x);
    return {x.row(i).data(), x.row(i).data() + x.cols()};
  }
  /// Of the key's row, after Scatter.
  std::vector<float> GradientOf(Key key) {
    for (size_t k = 0; k < keys(0).size(); ++k) {
      if (keys(0)[k] == key) return {gradients(0)[2 * k], gradients(0)[2 * k + 1]};
    }
    return {};
  }
};

/// dx of a row: 1, 2, 3, ...
Matrix Counting(Eigen::Index n, Eigen::Index dim) {
  Matrix dx(n, dim);
  for (Eigen::Index i = 0; i < n; ++i) {
    for (Eigen::Index k = 0; k < dim; ++k) dx(i, k) = static_cast<float>(k + 1);
  }
  return dx;
}

TEST(EmbeddingInput, SumsTheRowsOfAField) {
  Input input(JobOfInput("pooling: SUM"), {{{1, 2}, {3}, 0.5f}, {{2, 2, 4}, {1}, 1.5f}});
  EXPECT_THAT(input.keys(0), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(input.RowOfX(0), ElementsAre(3, -30, 3, -30, 0.5f));
  EXPECT_THAT(input.RowOfX(1), ElementsAre(44, -36, 1, -10, 1.5f));
  input.Scatter(Counting(2, 5));
  EXPECT_THAT(input.GradientOf(1), ElementsAre(1 + 3, 2 + 4));  // seen in row 0, item in row 1
  EXPECT_THAT(input.GradientOf(2), ElementsAre(3 * 1, 3 * 2));  // once in row 0, twice in row 1
  EXPECT_THAT(input.GradientOf(3), ElementsAre(3, 4));
  EXPECT_THAT(input.GradientOf(4), ElementsAre(1, 2));
}

TEST(EmbeddingInput, TheMeanCountsAValueAsOftenAsItStandsThere) {
  Input input(JobOfInput("pooling: MEAN"), {{{2, 2, 5, 5}, {3}}});
  EXPECT_THAT(input.RowOfX(0), ElementsAre(3.5f, -35, 3, -30, 0));
  input.Scatter(Counting(1, 5));
  EXPECT_THAT(input.GradientOf(2), ElementsAre(0.5f, 1));
  EXPECT_THAT(input.GradientOf(5), ElementsAre(0.5f, 1));
}

TEST(EmbeddingInput, TheMaximumIsOfEachColumnAndHasTheWholeGradient) {
  Input input(JobOfInput("pooling: MAX"), {{{1, 5, 2, 5}, {3}}, {{4, 1}, {3}}});
  EXPECT_THAT(input.RowOfX(0), ElementsAre(5, -10, 3, -30, 0));
  EXPECT_THAT(input.RowOfX(1), ElementsAre(40, 4, 3, -30, 0));
  input.Scatter(Counting(2, 5));
  EXPECT_THAT(input.GradientOf(1), ElementsAre(0, 2));  // the larger second column of row 0
  EXPECT_THAT(input.GradientOf(2), ElementsAre(0, 0));
  EXPECT_THAT(input.GradientOf(5), ElementsAre(1, 0));  // once, though the value stands there twice
  EXPECT_THAT(input.GradientOf(4), ElementsAre(1, 2));
}

TEST(EmbeddingInput, ASequenceKeepsItsValuesInOrderAndSaysHowMany) {
  Input input(JobOfInput("sequence_length: 3"), {{{2, 1}, {3}, 0.5f}, {{5, 5, 5}, {1}}});
  EXPECT_THAT(input.RowOfX(0), ElementsAre(2, -20, 1, -10, 0, 0, 2, 3, -30, 0.5f));
  EXPECT_THAT(input.RowOfX(1), ElementsAre(5, -50, 5, -50, 5, -50, 3, 1, -10, 0));
  input.Scatter(Counting(2, 10));
  EXPECT_THAT(input.GradientOf(2), ElementsAre(1, 2));
  EXPECT_THAT(input.GradientOf(1), ElementsAre(3 + 8, 4 + 9));
  EXPECT_THAT(input.GradientOf(5), ElementsAre(1 + 3 + 5, 2 + 4 + 6));
}

TEST(EmbeddingInput, OfALongSequenceTheLastValuesAreKeptAndNoOthersArePulled) {
  Input input(JobOfInput("sequence_length: 2"),
              {{{7, 8, 9, 1}, {3}}, {{7, 9}, {3}}, {{8, 2, 2, 2}, {3}}});
  EXPECT_THAT(input.RowOfX(0), ElementsAre(9, -90, 1, -10, 2, 3, -30, 0));
  EXPECT_THAT(input.RowOfX(1), ElementsAre(7, -70, 9, -90, 2, 3, -30, 0));
  EXPECT_THAT(input.RowOfX(2), ElementsAre(2, -20, 2, -20, 2, 3, -30, 0));
  EXPECT_THAT(input.keys(0), ElementsAre(9, 1, 3, 7, 2));  // not 8, which every row has left out
  input.Scatter(Counting(3, 8));
  EXPECT_THAT(input.GradientOf(7), ElementsAre(1, 2));
  EXPECT_THAT(input.GradientOf(9), ElementsAre(1 + 3, 2 + 4));
  EXPECT_THAT(input.GradientOf(2), ElementsAre(1 + 3, 2 + 4));
}

TEST(EmbeddingInput, NoValuesAreZerosAndLearnNothing) {
  for (const char* how : {"pooling: SUM", "pooling: MEAN", "pooling: MAX"}) {
    Input input(JobOfInput(how), {{{}, {}, 2}, {{}, {3}, 4}});
    EXPECT_THAT(input.RowOfX(0), ElementsAre(0, 0, 0, 0, 2)) << how;
    input.Scatter(Counting(2, 5));
    EXPECT_THAT(input.keys(0), ElementsAre(3)) << how;
    EXPECT_THAT(input.GradientOf(3), ElementsAre(3, 4)) << how;
  }
  Input input(JobOfInput("sequence_length: 2"), {{{}, {}, 2}, {{}, {3}, 4}});
  EXPECT_THAT(input.RowOfX(0), ElementsAre(0, 0, 0, 0, 0, 0, 0, 2));
  input.Scatter(Counting(2, 8));
  EXPECT_THAT(input.GradientOf(3), ElementsAre(6, 7));
}

TEST(EmbeddingInput, ForgetsTheBatchBefore) {
  for (const char* how : {"pooling: SUM", "pooling: MEAN", "pooling: MAX", "sequence_length: 2"}) {
    const Job job = JobOfInput(how);
    Input used(job, {{{7, 8, 9, 1}, {3}}, {{7}, {3}}, {{8, 2}, {}}});
    used.RowOfX(0);
    used.Scatter(Counting(3, InputLayout::Of(job).dim));
    const std::vector<Sample> next = {{{1}, {2}}, {{}, {8}}};
    used.Take(next);
    Input fresh(job, next);
    EXPECT_EQ(used.RowOfX(0), fresh.RowOfX(0)) << how;
    EXPECT_EQ(used.RowOfX(1), fresh.RowOfX(1)) << how;
    for (Input* input : {&used, &fresh}) input->Scatter(Counting(2, InputLayout::Of(job).dim));
    for (const Key key : {1, 2, 8}) EXPECT_EQ(used.GradientOf(key), fresh.GradientOf(key)) << how;
    used.Take({});
    EXPECT_THAT(used.keys(0), IsEmpty());
  }
}

/// l2 / 2 * |row|^2 for every time that a row of data names it, as a mean over the rows of the
/// step.
TEST(EmbeddingInput, L2PullsRowsToZeroByHowOftenTheyAreNamed) {
  Job job = JobOfInput("pooling: MEAN");
  job.mutable_table(0)->set_l2(0.5);
  Input input(job, {{{1, 2, 2}, {3}}, {{}, {1}}});
  for (size_t i = 0; i < 2 * input.keys(0).size(); ++i)
    input.weights(0)[i] = static_cast<float>(i + 1);
  input.Scatter(Matrix::Zero(2, InputLayout::Of(job).dim));
  input.AddL2(10);
  const std::map<Key, float> times = {{1, 2}, {2, 2}, {3, 1}};
  for (size_t k = 0; k < input.keys(0).size(); ++k) {
    for (size_t d = 0; d < 2; ++d) {
      const float weight = input.weights(0)[2 * k + d];
      EXPECT_FLOAT_EQ(input.gradients(0)[2 * k + d], 0.05f * times.at(input.keys(0)[k]) * weight)
          << input.keys(0)[k];
    }
  }
}

TEST(EmbeddingInput, WhatIsLeftOutIsInNoRowOfXAndInNoGradient) {
  for (const bool is_sequence : {false, true}) {
    Job job = JobOfInput(is_sequence ? "sequence_length: 2" : "pooling: SUM");
    job.mutable_table(0)->set_l2(1);
    Input input(job, {{{1, 2}, {3}, 1}, {{4}, {3}, 2}, {{5}, {6}, 3}, {{2}, {2}, 4}});
    input.LeaveOut(std::vector<int64_t>{1});
    input.LeaveOut(std::vector<int64_t>{1});
    ASSERT_EQ(input.n_rows(), 2);
    EXPECT_EQ(input.place(0), 0);
    EXPECT_EQ(input.place(1), 3);
    EXPECT_THAT(input.numerics(1), ElementsAre(4));
    Input same(job, {{{1, 2}, {3}, 1}, {{2}, {2}, 4}});
    for (Eigen::Index i = 0; i < 2; ++i) EXPECT_EQ(input.RowOfX(i), same.RowOfX(i)) << i;
    for (Input* one : {&input, &same}) {
      one->Scatter(Counting(2, InputLayout::Of(job).dim));
      one->AddL2(10);
    }
    for (const Key key : {1, 2, 3}) EXPECT_EQ(input.GradientOf(key), same.GradientOf(key)) << key;
    for (const Key key : {4, 5, 6}) EXPECT_THAT(input.GradientOf(key), ElementsAre(0, 0)) << key;
    input.Take({{{4}, {3}, 2}});
    EXPECT_EQ(input.n_rows(), 1) << "the next batch is whole";
  }
}

TEST(EmbeddingInput, GradientsAreDerivatives) {
  for (const char* how : {"pooling: SUM", "pooling: MEAN", "pooling: MAX", "sequence_length: 3"}) {
    const Job job = JobOfInput(how);
    Input input(job, {{{1, 2, 3, 4, 2}, {3}}, {{5}, {6}}, {{}, {1}}, {{6, 5}, {}}});
    Random random(1);
    std::vector<float> rows(2 * input.keys(0).size());
    for (float& w : rows) w = static_cast<float>(random.Normal());
    Matrix direction(4, InputLayout::Of(job).dim);
    for (Eigen::Index i = 0; i < direction.size(); ++i)
      direction.data()[i] = static_cast<float>(random.Normal());
    Matrix x;
    const auto objective = [&](std::span<const float> values) {
      std::copy(values.begin(), values.end(), input.weights(0));
      input.Pool(&x);
      return x.cast<double>().cwiseProduct(direction.cast<double>()).sum();
    };
    objective(rows);
    input.Scatter(direction);  // which value is the largest is known now
    const std::vector<float> gradients(input.gradients(0), input.gradients(0) + rows.size());
    EXPECT_LT(testing::GradientError(objective, rows, gradients), 1e-3) << how;
  }
}

}  // namespace
}  // namespace zhiyin::worker::model
