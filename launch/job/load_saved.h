// Loads the manifests of a saved model for a command.
#pragma once

#include <string>
#include <vector>

#include "ps/save/saved_chain.h"

namespace zhiyin::launch::job {

/// Reads the manifests of a model or checkpoint, applies the overrides to its job, and checks the
/// job as a configuration is checked. Throws Error when the model is missing or damaged, or the job
/// is impossible.
ps::save::SavedChain LoadSaved(const std::string& folder,
                               const std::vector<std::string>& overrides = {});

/// Applies the overrides and checks the job, for manifests that have been read. Files that an
/// override puts in place of those of data.test are read whole: first_row and n_rows of the saved
/// job were those of its own files.
ps::save::SavedChain CheckedJob(ps::save::SavedChain saved,
                                const std::vector<std::string>& overrides = {});

}  // namespace zhiyin::launch::job
