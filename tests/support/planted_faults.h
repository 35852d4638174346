// Data with known faults, for tests of what finds them.
#pragma once

#include <string>

#include "tests/support/files.h"

namespace zhiyin::testing {

/// Writes text files of a training and a test split, and one for a join, into the folder. With
/// `faulty`, they have the faults that PlantedFaultsJob's comments name; else they are clean.
void WriteSplits(const TempFolder& folder, bool faulty);

/// The text of a job on these files.
std::string PlantedFaultsJob();

}  // namespace zhiyin::testing
