// Splits that come through a pipe (worker/data/pipe.h), which the chief reads.
#pragma once

#include "configs/job.pb.h"
#include "configs/manifest.pb.h"
#include "worker/data/split_kind.h"
#include "worker/train/group.h"

namespace zhiyin::worker::train {

/// Whether the only file of a split is a pipe, as the host of the chief sees it. Collective over
/// all workers.
bool IsPiped(const Job& job, data::SplitKind split, Group* group);

/// Throws Error where the job of a manifest asks for what needs a second look at a split that is a
/// pipe, or resumes.
void CheckPiped(const Manifest& manifest, data::SplitKind split);

}  // namespace zhiyin::worker::train
