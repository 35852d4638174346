// Ratings from a known linear model: rating = 3.5 + user part + content part + noise.
//
//   user part     0.012 * (user_age - 45) + 0.25 * user_activity + a weight of the user's group + one of the
//   region content part  -0.015 * (item_age - 15) + 0.4 * item_quality + a weight of the genre + one of the
//   maker + one of each tag
//
// The weights are drawn once from the seed; row i is a pure function of (seed, i).
#pragma once

#include <memory>
#include <ostream>

#include "worker/data/source.h"

namespace zhiyin::worker {

/// As MakeSource. REQUIRES: job.data has generated_ratings.
std::unique_ptr<Source> MakeGeneratedRatings(const Job& job, const Split& split);

/// The same rows as tab-separated text with a header.
void WriteGeneratedRatings(const GeneratedRatings& config, std::ostream& out);

}  // namespace zhiyin::worker
