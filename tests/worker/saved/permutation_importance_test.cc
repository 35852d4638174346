#include "worker/saved/permutation_importance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "common/types.h"

namespace zhiyin::worker::saved {
namespace {

using model::loss::PredictionKind;
using ::testing::ElementsAre;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

TEST(Quality, IsTheAucOfProbabilitiesAndScores) {
  // Three of the four pairs of a positive and a negative are in order.
  const std::vector<float> predictions = {0.1f, 0.4f, 0.35f, 0.8f};
  const std::vector<double> labels = {0, 0, 1, 1};
  EXPECT_DOUBLE_EQ(Quality(PredictionKind::kProbability, predictions, labels), 0.75);
  EXPECT_DOUBLE_EQ(Quality(PredictionKind::kScore, predictions, labels), 0.75);
}

TEST(Quality, LeavesOutExamplesWithoutALabelOrAPrediction) {
  EXPECT_EQ(Quality(PredictionKind::kScore, std::vector<float>{1, 2, 3, std::nanf("")},
                    std::vector<double>{0, 1, kMissing, 0}),
            1);
}

TEST(Quality, IsOneHalfWhereAClassIsAbsent) {
  EXPECT_EQ(Quality(PredictionKind::kScore, std::vector<float>{1, 2}, std::vector<double>{1, 1}),
            0.5);
}

TEST(Quality, IsMinusTheRmseOfNumbers) {
  EXPECT_DOUBLE_EQ(Quality(PredictionKind::kNumber, std::vector<float>{1, 2, 9},
                           std::vector<double>{1, 4, kMissing}),
                   -std::sqrt(2.0));
  EXPECT_EQ(Quality(PredictionKind::kNumber, std::vector<float>{1}, std::vector<double>{kMissing}),
            0);
}

/// Blocks of one example and of two, of two fields and two numerics.
std::vector<data::Examples> ThreeExamples() {
  data::Examples first(2, 2, 1);
  first.n = 1;
  first.keys = {1, 10, 11};
  first.key_begin = {0, 1, 3};
  first.numerics = {0.5f, 100};
  first.labels = {0};
  data::Examples second(2, 2, 1);
  second.n = 2;
  second.keys = {2, 3, 30};
  second.key_begin = {0, 1, 1, 2, 3};
  second.numerics = {1.5f, 200, 2.5f, 300};
  second.labels = {1, 2};
  return {first, second};
}

/// What the examples of all blocks have, one after the other.
std::vector<std::vector<Key>> AllKeys(const std::vector<data::Examples>& blocks, int field) {
  std::vector<std::vector<Key>> all;
  for (const data::Examples& block : blocks) {
    for (int64_t i = 0; i < block.n; ++i) {
      const auto keys = block.KeysOf(i, field);
      all.emplace_back(keys.begin(), keys.end());
    }
  }
  return all;
}
std::vector<float> AllNumerics(const std::vector<data::Examples>& blocks, int column) {
  std::vector<float> all;
  for (const data::Examples& block : blocks) {
    for (int64_t i = 0; i < block.n; ++i)
      all.push_back(block.numerics[static_cast<size_t>(i * block.n_numerics + column)]);
  }
  return all;
}

TEST(Permuted, ExchangesAllKeysOfAFieldAndNothingElse) {
  const std::vector<data::Examples> blocks = ThreeExamples();
  bool has_moved = false;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const std::vector<data::Examples> permuted = Permuted(blocks, 1, seed);
    const auto keys = AllKeys(permuted, 1);
    EXPECT_THAT(keys, UnorderedElementsAre(ElementsAre(10, 11), ElementsAre(), ElementsAre(30)));
    has_moved |= keys[0] != std::vector<Key>{10, 11};
    EXPECT_EQ(AllKeys(permuted, 0), AllKeys(blocks, 0));
    EXPECT_EQ(AllNumerics(permuted, 0), AllNumerics(blocks, 0));
    EXPECT_EQ(permuted[1].labels, blocks[1].labels);
    EXPECT_EQ(permuted[0].n, 1);
    EXPECT_EQ(permuted[1].n, 2);
  }
  EXPECT_TRUE(has_moved);
}

TEST(Permuted, CountsNumericsBehindTheFields) {
  const std::vector<data::Examples> blocks = ThreeExamples();
  bool has_moved = false;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const std::vector<data::Examples> permuted = Permuted(blocks, 3, seed);
    const std::vector<float> numbers = AllNumerics(permuted, 1);
    EXPECT_THAT(numbers, UnorderedElementsAre(100, 200, 300));
    has_moved |= numbers[0] != 100;
    EXPECT_THAT(AllNumerics(permuted, 0), ElementsAre(0.5f, 1.5f, 2.5f));
    EXPECT_EQ(AllKeys(permuted, 1), AllKeys(blocks, 1));
  }
  EXPECT_TRUE(has_moved);
}

TEST(Permuted, IsAFunctionOfTheSeed) {
  const auto numbers = [](uint64_t seed) {
    return AllNumerics(Permuted(ThreeExamples(), 2, seed), 0);
  };
  std::vector<std::vector<float>> of_seeds;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    EXPECT_EQ(numbers(seed), numbers(seed));
    of_seeds.push_back(numbers(seed));
  }
  EXPECT_FALSE(std::all_of(of_seeds.begin(), of_seeds.end(),
                           [&](const auto& other) { return other == of_seeds[0]; }));
}

/// n blocks of two examples without fields, of two numerics that are 0 and 1.
std::vector<data::Examples> BlocksOfTwo(int n) {
  data::Examples block(0, 2, 2);
  block.n = 2;
  block.key_begin = {0};
  block.numerics = {0, 0, 1, 1};
  return std::vector<data::Examples>(static_cast<size_t>(n), block);
}

TEST(FindImportance, IsTheMeanLossOfQuality) {
  // Both tasks read numeric 0 alone: predictions 0 and 1 of a probability, 0 and 3 of a number.
  std::vector<bool> are_exchanged;
  const Predictor predict = [&](const std::vector<data::Examples>& blocks) {
    std::vector<float> used = AllNumerics(blocks, 0);
    are_exchanged.push_back(used[0] == 1);
    return std::vector<std::vector<float>>{used, {3 * used[0], 3 * used[1]}};
  };
  ImportanceOptions options;
  options.n_permutations = 8;
  options.seed = 4;
  const PermutationImportance found = FindImportance(
      predict, BlocksOfTwo(1), {{0, 1}, {0, 3}}, {{}, {}},
      std::vector<PredictionKind>{PredictionKind::kProbability, PredictionKind::kNumber}, options);
  EXPECT_EQ(found.n_examples, 2);
  ASSERT_THAT(are_exchanged, SizeIs(1 + 2 * 8));  // as it is, then both inputs
  EXPECT_FALSE(are_exchanged[0]);
  const auto n_exchanged = std::count(are_exchanged.begin(), are_exchanged.begin() + 9, true);
  EXPECT_GT(n_exchanged, 0);
  EXPECT_LT(n_exchanged, 8);
  // An exchange of the two examples takes the AUC from 1 to 0, and the RMSE from 0 to 3.
  const double share = static_cast<double>(n_exchanged) / 8;
  EXPECT_THAT(found.lost, ElementsAre(ElementsAre(share, 0), ElementsAre(3 * share, 0)));
}

TEST(FindImportance, SeesBothClassesOfASortedSplit) {
  // 400 blocks of two examples with the numeric 0 and then 400 with 1, which is the label.
  std::vector<data::Examples> blocks = BlocksOfTwo(800);
  std::vector<double> labels;
  for (size_t b = 0; b < blocks.size(); ++b) {
    const float label = b < 400 ? 0 : 1;
    blocks[b].numerics[0] = label;
    blocks[b].numerics[static_cast<size_t>(blocks[b].n_numerics)] = label;
    labels.insert(labels.end(), 2, label);
  }
  const Predictor predict = [](const std::vector<data::Examples>& some) {
    return std::vector<std::vector<float>>{AllNumerics(some, 0)};
  };
  ImportanceOptions options;
  options.max_examples = 200;
  const PermutationImportance found =
      FindImportance(predict, blocks, {labels}, {{}},
                     std::vector<PredictionKind>{PredictionKind::kProbability}, options);
  EXPECT_EQ(found.n_examples, 200);
  EXPECT_NEAR(found.lost[0][0], 0.5, 0.1);
}

TEST(FindImportance, LooksAtNoMoreBlocksThanItNeeds) {
  std::vector<size_t> n_blocks;
  const Predictor predict = [&](const std::vector<data::Examples>& blocks) {
    n_blocks.push_back(blocks.size());
    return std::vector<std::vector<float>>{std::vector<float>(2 * blocks.size(), 0.5f)};
  };
  ImportanceOptions options;
  options.max_examples = 3;
  options.n_permutations = 1;
  const PermutationImportance found =
      FindImportance(predict, BlocksOfTwo(3), {{0, 1, 0, 1, 0, 1}}, {{}},
                     std::vector<PredictionKind>{PredictionKind::kProbability}, options);
  EXPECT_EQ(found.n_examples, 4);
  EXPECT_THAT(n_blocks, ElementsAre(2, 2, 2));
  EXPECT_THAT(found.lost, ElementsAre(ElementsAre(0, 0)));
}

}  // namespace
}  // namespace zhiyin::worker::saved
