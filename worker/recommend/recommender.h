// What to show a user next: retrieve, rank, combine, exclude, diversify, explain.
#pragma once

#include <algorithm>
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
  /// Leaves out items that the user has an event with, and those of a history that is given.
  bool exclude_seen = true;
  /// Two towers retrieve by an exact scan of all items, or, if approximate, by a graph that finds
  /// most of the best items much faster (item_index.h). Where the graph finds less than
  /// `min_recall` of the items that the scan finds (RecallOf), the mean over a sample of users, the
  /// scan is used all the same.
  bool approximate = false;
  HnswOptions hnsw{};
  double min_recall = 0.9;
  /// Items of the Behaviour; only these are recommended. Empty: all.
  std::vector<int> only_items{};
  /// Weight of the score against the similarity to items already in the list, from 0 to 1; 1 keeps
  /// the order of the scores (maximal marginal relevance, Carbonell and Goldstein, SIGIR 1998). A
  /// value below 1 needs two towers.
  double diversity_lambda = 1;
};

/// The items that a user's list can have: what the options leave, whoever ranks them. Immutable;
/// any number of threads. Borrows the Behaviour.
class CandidateItems {
 public:
  CandidateItems(const data::Behaviour& behaviour, const RecommendOptions& options);

  /// Returns [n_items]: whether each item is left out for this user; -1 is a user without events.
  std::vector<bool> ExcludedFor(int user) const;
  /// The number of items that some user's list could have.
  int64_t n() const;

 private:
  const data::Behaviour& behaviour_;
  bool exclude_seen_;
  std::vector<bool> is_excluded_;  // [n_items], for every user
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
  const CandidateItems& candidates() const { return candidates_; }
  /// The most items of a list.
  int k() const { return options_.k; }
  /// How well the approximate index does, and whether it is used, in words for the user; "" where
  /// none was asked for.
  const std::string& about_index() const { return about_index_; }
  /// Whether the model or the ranker reads a user's value of this column (PairRows::TakesOfUser).
  /// That of `history` is given as AskedUser::history.
  bool TakesOfUser(std::string_view column) const {
    return rows_.TakesOfUser(column) || ranker_rows_.TakesOfUser(column);
  }
  /// Why no list can be made for this user, as one of the columns cannot be read; "" if it can.
  std::string WhatIsWrong(const AskedUser& user) const;

  /// Makes lists in one thread. The Recommender outlives it.
  class Session {
   public:
    explicit Session(const Recommender& recommender);
    /// Returns at most k items, best first; among equal scores the item that appeared first.
    /// REQUIRES: WhatIsWrong(user) returns "".
    std::vector<Recommended> For(const AskedUser& user);
    /// So, of a user of the Behaviour; -1 is one without events.
    std::vector<Recommended> For(int user) { return For(AskedUser{.number = user}); }

   private:
    friend class Recommender;
    /// Returns the items to rank, with their scores if the model has two towers.
    std::vector<ScoredItem> Candidates(const AskedUser& user);

    const Recommender& all_;
    saved::FrozenModel::Session model_;
    std::optional<saved::FrozenModel::Session> ranker_;
  };

 private:
  /// How many items an index is asked for.
  size_t NumRetrieved() const {
    return static_cast<size_t>(std::max(options_.k, options_.n_candidates));
  }
  /// Makes the approximate index, and takes it if it finds enough of what `index_`, the scan, does.
  void TryGraph();
  /// Returns the mean share, over a sample of users, of what the scan finds that a graph does.
  double RecallOn(const HnswIndex& graph, std::span<const int> users) const;
  /// Returns the candidates with the scores of the formula, best first.
  std::vector<Recommended> Rank(const AskedUser& user, std::span<const ScoredItem> candidates,
                                Session* session) const;
  /// Returns at most k items, reordered by maximal marginal relevance.
  std::vector<Recommended> Diversify(std::vector<Recommended> ranked) const;
  /// The items that the user has had: of the history that is given, as far as the Behaviour knows
  /// them, else of the training events.
  std::vector<int> ItemsOf(const AskedUser& user) const;
  /// Sets Recommended::because.
  void Explain(const AskedUser& user, std::vector<Recommended>* list) const;

  std::shared_ptr<const saved::FrozenModel> model_;
  std::shared_ptr<const saved::FrozenModel> ranker_;
  std::shared_ptr<const data::Behaviour> behaviour_;
  RecommendOptions options_;
  PairRows rows_;
  PairRows ranker_rows_;
  std::optional<Formula> formula_;
  CandidateItems candidates_;
  ItemVectors items_;  // empty without two towers, as are the next two
  std::unique_ptr<ItemIndex> index_;
  std::string about_index_;
  Matrix directions_;  // [n_items, dim]: items_ scaled to length 1
};

}  // namespace zhiyin::worker::recommend
