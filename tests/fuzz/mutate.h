// Damage, drawn from a seed: the same seed, the same bytes.
#pragma once

#include <span>
#include <string>

#include "common/random.h"

namespace zhiyin::fuzz {

/// One of the seeds with one to four changes: bits flipped, bytes cut off or out, added or doubled,
/// numbers replaced by ones that overflow, a piece of another seed. REQUIRES: there is a seed.
std::string Mutate(std::span<const std::string> seeds, Random* random);

}  // namespace zhiyin::fuzz
