#include "worker/recommend/item_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "common/random.h"

namespace zhiyin::worker::recommend {
namespace {

Matrix Drawn(int n, int dim, uint64_t seed) {
  Random random(seed);
  Matrix matrix(n, dim);
  for (Eigen::Index i = 0; i < matrix.size(); ++i)
    matrix.data()[i] = static_cast<float>(random.Normal());
  return matrix;
}

std::vector<int> Naive(const Matrix& items, const Vector& user, size_t n,
                       const std::vector<bool>& excluded) {
  std::vector<std::pair<float, int>> scores;
  for (int i = 0; i < items.rows(); ++i) {
    if (!excluded[static_cast<size_t>(i)]) scores.emplace_back(-items.row(i).dot(user), i);
  }
  std::sort(scores.begin(), scores.end());
  std::vector<int> best;
  for (size_t i = 0; i < std::min(n, scores.size()); ++i) best.push_back(scores[i].second);
  return best;
}

std::vector<int> ItemsOf(const std::vector<ScoredItem>& list) {
  std::vector<int> items;
  for (const ScoredItem& one : list) items.push_back(one.item);
  return items;
}

TEST(Scan, FindsTheBestOfAllThatAreNotExcluded) {
  // Small whole numbers: many items tie.
  Matrix items = Drawn(5000, 3, 1);
  for (Eigen::Index i = 0; i < items.size(); ++i) items.data()[i] = std::round(items.data()[i]);
  const auto index = MakeScan(items);
  Random random(2);
  for (int trial = 0; trial < 20; ++trial) {
    Vector user = Drawn(1, 3, 100 + static_cast<uint64_t>(trial)).row(0);
    for (Eigen::Index d = 0; d < 3; ++d) user[d] = std::round(2 * user[d]);
    std::vector<bool> excluded(5000);
    for (int k = 0; k < 500; ++k) excluded[random.Below(5000)] = true;
    for (const size_t n : {size_t{0}, size_t{1}, size_t{37}, size_t{6000}})
      EXPECT_TRUE(ItemsOf(index->Best(user.data(), n, excluded, 500)) ==
                  Naive(items, user, n, excluded))
          << trial << " " << n;
  }
  EXPECT_EQ(index->Best(items.row(0).data(), 3, {}, 0).size(), 3u);
}

TEST(Hnsw, FindsMostOfTheBestWithTheirScores) {
  const Matrix items = Drawn(4000, 16, 3);
  const auto index = MakeHnsw(items, {});
  int n_found = 0;
  for (int trial = 0; trial < 20; ++trial) {
    const Vector user = Drawn(1, 16, 200 + static_cast<uint64_t>(trial)).row(0);
    std::vector<bool> excluded(4000);
    const std::vector<int> favourites = Naive(items, user, 30, excluded);
    for (const int item : favourites) excluded[static_cast<size_t>(item)] = true;
    const std::vector<int> expected = Naive(items, user, 50, excluded);
    const std::vector<ScoredItem> found = index->Best(user.data(), 50, excluded, 30);
    ASSERT_EQ(found.size(), 50u);
    for (size_t i = 0; i < found.size(); ++i) {
      EXPECT_FALSE(excluded[static_cast<size_t>(found[i].item)]);
      EXPECT_EQ(found[i].score, items.row(found[i].item).dot(user));
      if (i > 0) {
        EXPECT_LE(found[i].score, found[i - 1].score);
      }
      n_found += std::count(expected.begin(), expected.end(), found[i].item);
    }
  }
  EXPECT_GT(n_found, 0.95 * 20 * 50);
  EXPECT_EQ(index->Best(items.row(0).data(), 5000, {}, 0).size(), 4000u)
      << "as many as there are, even if some are out of the graph's reach";
}

/// Few vectors, most of them of many items.
TEST(Hnsw, FindsEveryItemOfEqualVectors) {
  // Whole numbers: scores are exact, and some of different vectors are equal.
  const Matrix vectors = Drawn(42, 8, 4).array().round().matrix();
  Random random(5);
  Matrix items(2000, 8);
  for (Eigen::Index i = 0; i < items.rows(); ++i)
    items.row(i) = vectors.row(i < 40 ? i : 40 + static_cast<Eigen::Index>(random.Below(2)));
  const auto index = MakeHnsw(items, {});
  const auto scan = MakeScan(items);
  for (int trial = 0; trial < 20; ++trial) {
    const Vector user =
        (2 * Drawn(1, 8, 300 + static_cast<uint64_t>(trial))).array().round().matrix().row(0);
    std::vector<bool> excluded(2000);
    size_t n_excluded = 0;
    for (size_t i = 0; i < 2000; i += 1 + random.Below(3)) {
      excluded[i] = true;
      ++n_excluded;
    }
    for (const size_t n : {size_t{1}, size_t{200}, size_t{900}, size_t{3000}})
      EXPECT_EQ(ItemsOf(index->Best(user.data(), n, excluded, n_excluded)),
                ItemsOf(scan->Best(user.data(), n, excluded, n_excluded)))
          << trial << " " << n;
  }
}

TEST(Recall, CountsWhatIsAsGoodAsTheBest) {
  const std::vector<ScoredItem> best = {{3, 5}, {1, 4}, {2, 4}, {7, 2}};
  EXPECT_EQ(RecallOf(best, best), 1);
  EXPECT_EQ(RecallOf({{3, 5}, {9, 2}, {7, 2}, {8, 1}}, best), 0.75) << "ties are equally good";
  EXPECT_EQ(RecallOf({{3, 5}, {1, 4}, {2, 4}, {7, 1.999999f}}, best), 1) << "up to rounding";
  EXPECT_EQ(RecallOf({}, best), 0);
  EXPECT_EQ(RecallOf({}, {}), 1);
}

}  // namespace
}  // namespace zhiyin::worker::recommend
