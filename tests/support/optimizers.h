// One example of every optimizer that the configuration knows.
#pragma once

#include <string>
#include <vector>

#include "configs/job.pb.h"

namespace zhiyin::testing {

/// Found by reflection over Optimizer.kind: a newcomer is here by itself, with a learning rate of
/// 0.05 (Adadelta: 1) and the documented defaults.
std::vector<Optimizer> ExampleOptimizers();
/// The name of its kind.
std::string NameOf(const Optimizer& optimizer);

}  // namespace zhiyin::testing
