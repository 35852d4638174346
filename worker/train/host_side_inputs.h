// The joins and the behaviour of a job, once on each host.
#pragma once

#include <string>

#include "configs/job.pb.h"
#include "worker/data/file_bytes.h"
#include "worker/data/side_inputs.h"
#include "worker/train/group.h"

namespace zhiyin::worker::train {

/// Reads the side inputs of a job. Of the workers that give one name of a host (HostIdentity), the
/// first reads the files, and the others read its memory (HostMemory); one that cannot open it
/// reads the files itself, with a warning. Throws Error as data::ReadSideInputs does. Collective
/// over all workers; returns without a word to others where the job has no side inputs.
data::SideInputs ReadSideInputsOnceAHost(const Job& job, const std::string& host, int n_workers,
                                         data::ReadCounts* counts, Group* group);

}  // namespace zhiyin::worker::train
