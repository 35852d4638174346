// Examples of every optimizer that the configuration knows.
#pragma once

#include <string>
#include <vector>

#include "configs/job.pb.h"

namespace zhiyin::testing {

/// The examples of tests/data/kinds/optimizer, with the documented defaults. Fails the test for an
/// alternative of Optimizer.kind that has none.
std::vector<Optimizer> ExampleOptimizers();
/// The name of its kind.
std::string NameOf(const Optimizer& optimizer);

}  // namespace zhiyin::testing
