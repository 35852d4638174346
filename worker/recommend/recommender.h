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
  /// How many items a model with two towers retrieves for the formula to rank. Other models rank
  /// all items.
  int n_candidates = 200;
  /// A formula of task names (formula.h). Empty: the score of the towers, or else the prediction of
  /// the first task.
  std::string formula{};
  /// Leaves out items that the user has an event with.
  bool exclude_seen = true;
  /// Two towers retrieve by an exact scan of all items, or, if approximate, by a graph that finds
  /// most of the best items much faster (item_index.h).
  bool approximate = false;
  HnswOptions hnsw{};
  /// Items of the Behaviour; only these are recommended. Empty: all.
  std::vector<int> only_items{};
  /// Weight of the score against the similarity to items already in the list, from 0 to 1; 1 keeps
  /// the order of the scores (maximal marginal relevance, Carbonell and Goldstein, SIGIR 1998). A
  /// value below 1 needs two towers.
  double diversity_lambda = 1;
};

struct Recommended {
  int item = 0;      // number in the Behaviour
  double score = 0;  // of the formula
  /// At most two items of the user, the nearest by the cosine of their vectors; empty without two
  /// towers.
  std::vector<int> because;
};

/// Recommends the items that the model's training files and joins name. Immutable; any number of
/// threads, each with a Session of its own.
class Recommender {
 public:
  /// `ranker` makes the predictions that the formula combines; null: the model does. The job of the
  /// ranker may use other columns of the users and items. Both see the columns that PairRows fills.
  /// Throws Error where a job has no data.behaviour, and for impossible options.
  Recommender(std::shared_ptr<const saved::FrozenModel> model,
              std::shared_ptr<const saved::FrozenModel> ranker,
              std::shared_ptr<const data::Behaviour> behaviour, const RecommendOptions& options);

  const data::Behaviour& behaviour() const { return *behaviour_; }

  /// Makes lists in one thread. The Recommender outlives it.
  class Session {
   public:
    explicit Session(const Recommender& recommender);
    /// Returns at most k items, best first; among equal scores the item that appeared first. -1 is
    /// a user without events.
    std::vector<Recommended> For(int user);

   private:
    friend class Recommender;
    /// Returns the items to rank, with their scores if the model has two towers.
    std::vector<ScoredItem> Candidates(int user);

    const Recommender& all_;
    saved::FrozenModel::Session model_;
    std::optional<saved::FrozenModel::Session> ranker_;
  };

 private:
  /// Returns the candidates with the scores of the formula, best first.
  std::vector<Recommended> Rank(int user, std::span<const ScoredItem> candidates,
                                Session* session) const;
  /// Returns at most k items, reordered by maximal marginal relevance.
  std::vector<Recommended> Diversify(std::vector<Recommended> ranked) const;
  /// Sets Recommended::because.
  void Explain(int user, std::vector<Recommended>* list) const;

  std::shared_ptr<const saved::FrozenModel> model_;
  std::shared_ptr<const saved::FrozenModel> ranker_;
  std::shared_ptr<const data::Behaviour> behaviour_;
  RecommendOptions options_;
  PairRows rows_;
  PairRows ranker_rows_;
  std::optional<Formula> formula_;
  std::vector<bool> is_allowed_;  // [n_items]; empty: all are
  ItemVectors items_;             // empty without two towers, as are the next two
  std::unique_ptr<ItemIndex> index_;
  Matrix directions_;  // [n_items, dim]: items_ scaled to length 1
};

}  // namespace zhiyin::worker::recommend
