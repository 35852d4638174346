// How good lists of recommendations are.
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

/// Of lists of up to k items, for users with at least one relevant item each.
struct ListMetrics {
  int64_t n_users = 0;
  MeanWithInterval recall;  // found relevant items / relevant items
  MeanWithInterval ndcg;  // Järvelin and Kekäläinen, TOIS 2002, gain 1: sum of 1 / log2(1 + rank),
                          // over the best possible sum
  MeanWithInterval hit_rate;  // 1 where at least one was found
  MeanWithInterval mrr;       // 1 / rank of the first that was found, else 0
  double coverage = 0;        // different items in all lists / items
  double novelty =
      0;  // mean of -log2(share of the events that are of the item) over all places of lists
};

/// One user after the other; the order of calls decides rounding and nothing else.
class ListTally {
 public:
  /// counts [items]: events of each item in training; an item without any counts as half an event.
  ListTally(int k, std::vector<int64_t> counts);

  /// list: different items, the best first; what is behind the k-th is not looked at. A user
  /// without relevant items is left out.
  void Add(std::span<const int> list, std::span<const int> relevant);
  ListMetrics Compute() const;

 private:
  int k_;
  std::vector<int64_t> counts_;
  double n_events_ = 0;
  std::vector<bool> recommended_;  // [items]
  std::vector<double> recalls_;    // [users]; the others too
  std::vector<double> ndcgs_;
  std::vector<double> hits_;
  std::vector<double> reciprocal_ranks_;
  double novelty_sum_ = 0;
  int64_t n_places_ = 0;
};

}  // namespace zhiyin::worker::model::metric
