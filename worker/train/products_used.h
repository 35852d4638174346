// What the workers' matrix products are computed with.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "configs/job.pb.h"
#include "worker/train/group.h"

namespace zhiyin::worker::train {

/// At the chief; empty elsewhere.
struct ProductsUsed {
  std::set<std::string> backends;  // nn::DescribeBackend of all workers; more than one of a mixture
  std::vector<std::string> notes;  // what a user should know of them, to be printed
};

/// Asks all workers. Collective.
ProductsUsed GatherProductsUsed(const Train& train, Group* group);

}  // namespace zhiyin::worker::train
