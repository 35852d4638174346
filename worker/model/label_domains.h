// The labels that the tasks of a job accept.
#pragma once

#include "configs/job.pb.h"
#include "worker/data/label_domain.h"

namespace zhiyin::worker::model {

/// The domains of the tasks' losses, for reading the job's data with labels.
data::LabelDomains LabelDomainsOf(const Job& job);

}  // namespace zhiyin::worker::model
