// What a model's lists are measured against. All are functions of the events that are learned from.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/matrix.h"
#include "worker/data/behaviour.h"

namespace zhiyin::worker::recommend {

/// A score for every item. Immutable once made; any number of threads.
class Baseline {
 public:
  virtual ~Baseline() = default;
  virtual std::string name() const = 0;
  /// scores [items] of a user, overwritten.
  virtual void Score(int user, std::span<float> scores) const = 0;
};

/// Items by their events.
std::unique_ptr<Baseline> MakeMostPopular(const data::Behaviour& behaviour);
/// Sum of the cosines of an item and the user's items that are among its n_neighbours nearest
/// (Sarwar et al., WWW 2001, section 3.2, for events instead of ratings).
std::unique_ptr<Baseline> MakeItemNeighbours(const data::Behaviour& behaviour, int n_neighbours);
/// Implicit feedback by alternating least squares (Hu, Koren and Volinsky, ICDM 2008): confidence 1
/// + alpha where there is an event.
std::unique_ptr<Baseline> MakeImplicitFactorization(const data::Behaviour& behaviour, int dim,
                                                    double alpha, double lambda, int n_rounds);

/// Cosine of an item's content and that of the user's items together, by what data.join says of
/// items: a value of a column is a term, values of a list are several, and each weighs log(items /
/// items that have it) (Salton and Buckley, 1988). Null where the job says nothing of items.
std::unique_ptr<Baseline> MakeContentOnly(const data::Behaviour& behaviour);

/// The best k items of a user, of equal scores the item that appeared first. `scores` [items] is a
/// workspace.
std::vector<int> BestUnseen(const data::Behaviour& behaviour, const Baseline& baseline, int user,
                            int k, bool exclude_seen, std::span<float> scores);

}  // namespace zhiyin::worker::recommend
