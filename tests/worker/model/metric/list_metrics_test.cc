#include "worker/model/metric/list_metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace zhiyin::worker::model::metric {
namespace {

using Items = std::vector<int>;

TEST(ListMetrics, ValuesByHand) {
  ListTally tally(3, {4, 2, 1, 1, 0}, 5);
  tally.Add(Items{0, 1, 2, 3},
            Items{1, 3});  // one of two, at rank 2; what is behind the third place does not count
  tally.Add(Items{4, 0}, Items{2});  // none
  tally.Add(Items{1}, Items{});      // no relevant items: left out
  const ListMetrics metrics = tally.Compute();
  EXPECT_EQ(metrics.n_users, 2);
  EXPECT_DOUBLE_EQ(metrics.recall.mean, 0.25);
  EXPECT_DOUBLE_EQ(metrics.hit_rate.mean, 0.5);
  EXPECT_DOUBLE_EQ(metrics.mrr.mean, 0.25);
  const double gain2 = 1 / std::log2(3.0);
  EXPECT_DOUBLE_EQ(metrics.ndcg.mean, gain2 / (1 + gain2) / 2);
  EXPECT_DOUBLE_EQ(metrics.coverage, 4.0 / 5);
  EXPECT_DOUBLE_EQ(metrics.novelty,
                   (1 + 2 + 3 + 4 + 1) / 5.0);  // an item without events: half an event of 8
  EXPECT_LE(metrics.recall.low, 0.25);
  EXPECT_GE(metrics.recall.high, 0.25);
}

TEST(ListMetrics, IntervalsNarrowAsUsersGrow) {
  const auto width = [](int n) {
    ListTally tally(1, {1, 1}, 2);
    for (int i = 0; i < n; ++i) tally.Add(Items{i % 2}, Items{0});
    const MeanWithInterval hits = tally.Compute().hit_rate;
    EXPECT_LT(hits.low, hits.mean);
    EXPECT_GT(hits.high, hits.mean);
    return hits.high - hits.low;
  };
  EXPECT_NEAR(width(1000) / (2 * 1.96 * 0.5 / std::sqrt(1000.0)), 1, 0.1);
  EXPECT_NEAR(width(100) / width(10000), 10, 2);
}

TEST(ListMetrics, NobodyIsNothing) {
  const ListMetrics metrics = ListTally(10, {}, 0).Compute();
  EXPECT_EQ(metrics.n_users, 0);
  EXPECT_EQ(metrics.recall.mean, 0);
}

}  // namespace
}  // namespace zhiyin::worker::model::metric
