// What to show a user next: retrieve, rank, combine, exclude, diversify, explain.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/matrix.h"
#include "worker/data/behaviour.h"
#include "worker/recommend/formula.h"
#include "worker/recommend/item_index.h"
#include "worker/recommend/pair_rows.h"
#include "worker/saved/frozen_model.h"

namespace zhiyin::worker::recommend {

struct RecommendOptions {
  int k = 10;
  /// Of a model with two towers: items that the formula ranks. Other models rank all items.
  int n_candidates = 200;
  /// Of task names; empty: the score of the towers, or the prediction of the first task.
  std::string formula{};
  /// Leave out items that the user has an event with.
  bool exclude_seen = true;
  /// How two towers retrieve: by a scan of all items, or by a graph of them that finds most of the
  /// best much sooner (item_index.h).
  bool approximate = false;
  HnswOptions hnsw{};
  /// Of the Behaviour: only these are recommended. Empty: all.
  std::vector<int> only_items{};
  /// Weight of the score against the likeness to items already in the list, 0 to 1; 1: the order of
  /// the scores (maximal marginal relevance, Carbonell and Goldstein, SIGIR 1998). Less than 1
  /// needs two towers.
  double diversity_lambda = 1;
};

struct Recommended {
  int item = 0;      // of the Behaviour
  double score = 0;  // of the formula
  /// Of the user's items the nearest, by the cosine of their vectors, at most two; empty without
  /// two towers.
  std::vector<int> because;
};

/// Knows the items that the model's training files and joins name. Made once; then any number of
/// threads, each with a Session of its own.
class Recommender {
 public:
  /// `ranker` gives the predictions that the formula takes; null: the model itself. Its job may
  /// have other columns of the same events' users and items. Columns are those that PairRows knows.
  /// Throws Error where a job has no data.behaviour, and for options that make no sense.
  Recommender(std::shared_ptr<const saved::FrozenModel> model,
              std::shared_ptr<const saved::FrozenModel> ranker,
              std::shared_ptr<const data::Behaviour> behaviour, const RecommendOptions& options);

  const data::Behaviour& behaviour() const { return *behaviour_; }

  class Session {
   public:
    explicit Session(const Recommender& recommender);
    /// A list of at most k items, best first; of equal scores the item that appeared first. -1 is a
    /// user without events.
    std::vector<Recommended> For(int user);

   private:
    friend class Recommender;
    /// Items that may be in the list, those of two towers with their scores.
    std::vector<ScoredItem> Candidates(int user);

    const Recommender& all_;
    saved::FrozenModel::Session model_;
    std::optional<saved::FrozenModel::Session> ranker_;
  };

 private:
  /// The scores of the formula for candidates of a user, best first.
  std::vector<Recommended> Rank(int user, std::span<const ScoredItem> candidates,
                                Session* session) const;
  std::vector<Recommended> Diversify(std::vector<Recommended> ranked) const;
  void Explain(int user, std::vector<Recommended>* list) const;

  std::shared_ptr<const saved::FrozenModel> model_;
  std::shared_ptr<const saved::FrozenModel> ranker_;
  std::shared_ptr<const data::Behaviour> behaviour_;
  RecommendOptions options_;
  PairRows rows_;
  PairRows ranker_rows_;
  std::optional<Formula> formula_;
  std::vector<bool> is_allowed_;      // [items]; empty: all are
  ItemVectors items_;                 // without two towers empty
  std::unique_ptr<ItemIndex> index_;  // the same: null
  Matrix directions_;                 // of items_, of length 1
};

}  // namespace zhiyin::worker::recommend
