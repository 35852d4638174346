// Recommenders that a model is compared with. They know the training events, and no model.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/matrix.h"
#include "worker/data/behaviour.h"

namespace zhiyin::worker::recommend {

/// Scores every item for a user. Immutable: used by any number of threads.
class Baseline {
 public:
  virtual ~Baseline() = default;
  virtual std::string name() const = 0;
  /// Sets scores [n_items]; higher is better.
  virtual void Score(int user, std::span<float> scores) const = 0;
};

/// Scores an item by its number of events.
std::unique_ptr<Baseline> MakeMostPopular(const data::Behaviour& behaviour);
/// Scores an item by the sum of its cosines with those of the user's items that are among its
/// n_neighbours nearest items (Sarwar et al., WWW 2001, section 3.2, for events instead of
/// ratings).
std::unique_ptr<Baseline> MakeItemNeighbours(const data::Behaviour& behaviour, int n_neighbours);
/// Matrix factorization of implicit feedback by alternating least squares (Hu, Koren and Volinsky,
/// ICDM 2008), with vectors of `dim` numbers, confidence 1 + alpha for pairs with an event and 1
/// for others, regularization lambda, and n_rounds updates of users and items.
std::unique_ptr<Baseline> MakeImplicitFactorization(const data::Behaviour& behaviour, int dim,
                                                    double alpha, double lambda, int n_rounds);

/// Scores an item by the cosine between its content and the summed content of the user's items. The
/// content are the columns that data.join adds to items: each value is a term, each value of a list
/// another, and a term weighs log(n_items / items that have it) (Salton and Buckley, 1988). Null
/// where data.join adds nothing to items.
std::unique_ptr<Baseline> MakeContentOnly(const data::Behaviour& behaviour);

/// Returns the best k items for a user of those that are not excluded [n_items], best first; among
/// equal scores the item that appeared first in the training files. `scores` [n_items] is a
/// workspace.
std::vector<int> BestItems(const Baseline& baseline, int user, int k,
                           const std::vector<bool>& excluded, std::span<float> scores);

}  // namespace zhiyin::worker::recommend
