// Jobs that only say where rows come from, and what comes out of their sources.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/source.h"

namespace zhiyin::testing {

/// A job that trains on these files, comma-separated; inputs are still to be added.
Job TextJob(const std::vector<std::string>& files);

/// An input of the job; without a column, it takes the column of its own name.
Field* AddField(Job* job, const std::string& name, const std::string& column = "");
Numeric* AddNumeric(Job* job, const std::string& name, const std::string& column = "");
/// Squared error on the number in the column.
Task* AddTask(Job* job, const std::string& name, const std::string& column = "");

/// Census-Income as configs/census_*.textproto use it, from any copy of the file.
Job CensusJob(const std::string& file);

/// What was read of a source.
struct Collected {
  worker::data::Examples rows;
  std::vector<int64_t> blocks;
  std::vector<worker::data::BadLine> bad;
  int64_t n_seen = 0;

  /// The sentences of the malformed lines.
  std::vector<std::string> Complaints() const;
};

Collected Collect(worker::data::Source* source);
/// These blocks, in this order.
Collected CollectBlocks(worker::data::Source* source, const std::vector<int64_t>& blocks);
/// Of the job's training split.
Collected CollectTrain(const Job& job);

/// Equal to the last bit, where NaN equals NaN.
void ExpectSameRows(const worker::data::Examples& a, const worker::data::Examples& b);

}  // namespace zhiyin::testing
