// Training in one pass: data.one_pass. The files of data.train are divided into ranges of units,
// which workers lease one by one and read from end to end while they train; nothing is counted
// before.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/config/checker.h"
#include "common/net/role_map.h"
#include "common/tick.h"
#include "configs/job.pb.h"
#include "ps/client/client.h"
#include "worker/data/source.h"
#include "worker/data/unit_reader.h"
#include "worker/train/data_pass.h"
#include "worker/train/dealer.h"
#include "worker/train/group.h"

namespace zhiyin::worker::train {

/// Throws Error, by way of `check`, for the first thing about a job with data.one_pass that is
/// impossible. REQUIRES: all other parts of the job were checked.
void CheckOnePass(const config::Checker& check, const Job& job);

/// Divides the files of a split into ranges of consecutive units: about eight for each worker, or
/// more, so that a range has about as many examples as are shuffled together, as far as their
/// number can be told.
std::vector<data::UnitRange> DivideIntoRanges(const Job& job, const data::SharedFiles& files,
                                              int n_workers);

/// Makes the dealer of the ranges of a UnitReader, which are granted in file order. `tick` is
/// called during long waits for the reader. Borrows the reader and the client.
std::unique_ptr<Dealer> MakeOnePassDealer(const Job& job, int64_t n_ranges, int worker,
                                          int n_workers, data::UnitReader* reader,
                                          ps::client::Client* client, Tick tick);

/// Puts together what the readers of all workers have found, at every worker. Throws Error where
/// ShareFindings would, and where the ranges do not join: a reader that began within a value with
/// line ends took one of these for the end of a record. A worker that does not see the files
/// (`sees_files`) leaves CheckFindings to the others. Collective over all workers. REQUIRES: all
/// ranges have ended.
data::UnitFindings ShareUnits(const data::UnitFindings& own,
                              const std::vector<data::UnitRange>& ranges, const Job& job,
                              Group* group, bool sees_files);

}  // namespace zhiyin::worker::train
