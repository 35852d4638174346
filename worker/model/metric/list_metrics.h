// Metrics of lists of recommendations.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace zhiyin::worker::model::metric {

/// A mean over users, and the 2.5 % and 97.5 % quantiles of the means of 1000 bootstrap samples of
/// users (Efron and Tibshirani, 1993, section 13.3).
struct MeanWithInterval {
  double mean = 0;
  double low = 0;
  double high = 0;
};

/// Metrics of lists of up to k items, over the users who have a relevant item.
struct ListMetrics {
  int64_t n_users = 0;
  MeanWithInterval recall;  // found relevant items / relevant items
  /// Järvelin and Kekäläinen, TOIS 2002, with gain 1: sum of 1 / log2(1 + rank) over the relevant
  /// items in the list, divided by the largest possible sum.
  MeanWithInterval ndcg;
  MeanWithInterval hit_rate;  // 1 where at least one was found
  MeanWithInterval mrr;       // 1 / rank of the first relevant item, 0 without one
  double coverage = 0;        // different items in all lists / candidates
  /// Mean over all places of all lists of -log2(share of the training events that are of the item).
  double novelty = 0;
};

/// Collects lists, one user after the other. The order of the calls affects rounding only. One
/// thread.
class ListTally {
 public:
  /// counts [items]: events of each item in training; an item without any counts as half an event.
  /// n_candidates of the items can be in lists.
  ListTally(int k, std::vector<int64_t> counts, int64_t n_candidates);

  /// list: different candidates, the best first; only the first k are used. relevant: different
  /// candidates; a user without any is left out.
  void Add(std::span<const int> list, std::span<const int> relevant);
  ListMetrics Compute() const;

 private:
  int k_;
  std::vector<int64_t> counts_;
  int64_t n_candidates_;
  double n_events_ = 0;
  std::vector<bool> recommended_;  // [items]
  std::vector<double> recalls_;    // [users], as are the next three
  std::vector<double> ndcgs_;
  std::vector<double> hits_;
  std::vector<double> reciprocal_ranks_;
  double novelty_sum_ = 0;
  int64_t n_places_ = 0;
};

}  // namespace zhiyin::worker::model::metric
