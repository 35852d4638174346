// Training in one pass over a pipe: the chief, which alone reads the pipe, deals the batches of its
// UnitReader to all workers while it trains.
#pragma once

#include <memory>

#include "common/tick.h"
#include "configs/job.pb.h"
#include "worker/data/examples.h"
#include "worker/data/slice_reader.h"
#include "worker/data/unit_reader.h"
#include "worker/train/dealer.h"
#include "worker/train/group.h"

namespace zhiyin::worker::train {

/// The batch that the chief has dealt to this worker last. Used by the rank's thread.
struct DealtBatch final : data::SliceStream {
  const data::Examples& NextSlice(const Tick&) override { return examples; }

  data::Examples examples;
};

/// Makes the dealer of the chief, which sends batches to the other workers whenever it looks for
/// its own next one and while it computes a slice. A worker has a few batches ahead at most, so
/// that nobody's memory grows where a worker is slow. The pipe is range 0 of the reader. Borrows
/// the reader and the group.
std::unique_ptr<Dealer> MakeChiefsPipeDealer(const Job& job, int n_workers,
                                             data::UnitReader* reader, Group* group);

/// Makes the dealer of another worker, which puts its batches into *batch. Borrows the batch and
/// the group.
std::unique_ptr<Dealer> MakePipeDealer(const Job& job, int n_workers, DealtBatch* batch,
                                       Group* group);

}  // namespace zhiyin::worker::train
