// Changes of a job since it was saved. It can be resumed with those that leave the meaning of the
// saved rows, and of the position in the data, unchanged.
#pragma once

#include <string>
#include <vector>

#include "configs/job.pb.h"

namespace zhiyin::worker::saved {

/// The changes between two states of a job, in words for the user; empty lists where nothing has
/// changed. A changed value reads "PATH: is NOW, was BEFORE" with the path of the config file
/// ("table[1].dim: is 9, was 3"). A value that is not set, or is a zero that need not be
/// written, is "absent", and a message that is set is "set". Tables, fields, numerics and tasks
/// are identified by their names, so that a renamed one counts as one removed and one added.
struct JobDifferences {
  /// Changes that a job may always be resumed with: its name, evaluations and their splits, limits,
  /// regularisation, how long it trains, when it writes checkpoints, and the numbers of its
  /// optimizers.
  std::vector<std::string> allowed;
  /// Changes that it may not be resumed with: all others, a removed table, field, numeric or task
  /// among them.
  std::vector<std::string> refused;
  /// Added tables, fields, numerics and tasks ("task clicks"), which are allowed.
  std::vector<std::string> added;
  /// Changes that are allowed only if something was added; otherwise they are in `refused`. These
  /// are changes of the model, and of the order of tables, fields, numerics or tasks ("task[1]: was
  /// at 0").
  std::vector<std::string> with_added;
};

/// Compares two checked jobs with all defaults filled in. The columns of the data (data.columns)
/// are compared where both jobs have them. A pure function, from any thread; throws nothing.
JobDifferences Differences(const Job& before, const Job& now);

}  // namespace zhiyin::worker::saved
