// Ratings from a known linear model: a world where the right answer can be computed.
//
//   rating = 3.5 + user part + item part + noise * N(0, 1)
//
// Each part is the sum of a weight for each of its categories and a weight times each of its numbers, brought
// to mean 0 and variance about 1. Weights are a pure function of the seed; row i is a pure function of (seed,
// i), so any row can be made without the ones before.
//
//   column         values                        column         values
//   user_age       uniform in [18, 80)           item_age       days, uniform in [0, 3650)
//   user_activity  visits a week, exponential    item_quality   normal
//   user_group     8 categories                  item_genre     18 categories
//   user_region    20 categories                 item_maker     50 categories
//   rating         the label                     item_tags      0 to 3 distinct ones of 30, separated by |
#pragma once

#include <iosfwd>
#include <memory>

#include "configs/job.pb.h"
#include "worker/data/source.h"

namespace zhiyin::worker {

/// All rows as tab-separated text with a header. Read as text, they are the same rows that
/// MakeGeneratedSource gives.
void WriteGeneratedRatings(const GeneratedRatings& config, std::ostream& out);

/// The split's rows. Throws Error where a column does not exist. REQUIRES: the job's data is
/// generated_ratings.
std::unique_ptr<Source> MakeGeneratedSource(const Job& job, const Split& split, LabelUse labels);

}  // namespace zhiyin::worker
