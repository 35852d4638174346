// The first pass over the data: how it is divided among workers, and its results.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/record_counts.h"
#include "worker/data/slice_reader.h"
#include "worker/data/source.h"
#include "worker/data/split_kind.h"
#include "worker/data/split_summary.h"
#include "worker/data/statistics.h"
#include "worker/data/unpredicted.h"
#include "worker/saved/saved_statistics.h"
#include "worker/train/group.h"

namespace zhiyin::worker::train {

/// The blocks that each worker reads in the first pass: those that it is likely to train on, so
/// that it can keep them in memory.
data::BlockDeal FirstDeal(const Train& train, int n_workers);

/// Throws Error for a malformed line if the job allows none, so that the pass ends at once.
void CheckBadLine(const data::BadLine& line, const Data& data);

/// What the first pass finds out about a split, over all workers.
struct SharedFindings {
  data::SplitSummary summary;
  data::RecordCounts records;
};

/// Throws Error unless what was found in some records is of so many inputs, tasks and joins.
void CheckShape(const data::SplitSummary& summary, const Job& job);

/// Throws Error when a split has more malformed lines than the job allows, no examples, a column
/// that no record has (CheckSeen), a task without any label, or a join in which no line finds its
/// own. Otherwise the chief logs the first malformed lines.
void CheckFindings(const Job& job, data::SplitKind split, const data::SplitSummary& summary,
                   Group* group);

/// Puts the findings of all workers together, at every worker. Throws Error as CheckFindings does,
/// and for a line that no worker found before others. A worker that does not see the files
/// (`sees_files`) leaves CheckFindings to the others. Collective over all workers.
SharedFindings ShareFindings(const data::SplitFindings& own, const Job& job, data::SplitKind split,
                             Group* group, bool sees_files);

/// Returns lines for people about a split: how its rows differ from what its first_row and n_rows
/// ask for, whether they are rows of training (data/split_ranges.h), and JoinNotes.
std::vector<std::string> SplitNotes(const Job& job, data::SplitKind split,
                                    const data::SplitSummary& summary);

/// Returns lines for people: which share of the lines of a split found a line in each join.
std::vector<std::string> JoinNotes(const Job& job, const char* split,
                                   const data::JoinMatches& joins);

/// Returns the matches of all workers, at the chief; none elsewhere. Collective over all workers.
data::JoinMatches GatherJoined(const data::JoinMatches& own, const Job& job, Group* group);

/// Returns the columns that records of all workers have (Source::seen), at the chief; none
/// elsewhere. Collective over all workers.
std::vector<uint8_t> GatherSeen(std::span<const uint8_t> own, Group* group);

/// Returns the examples of all workers that have no prediction, at the chief; empty elsewhere.
/// Collective over all workers.
data::Unpredicted GatherUnpredicted(const data::Unpredicted& own, Group* group);

/// Returns a sentence for each numeric that has one value, or none, in all of several training
/// examples, or that varies too little to be standardised by them: it tells a model nothing.
/// `zhiyin check` says more (docs/checking.md).
std::vector<std::string> ConstantNumerics(const Job& job, const data::SplitSummary& training);

/// Returns the normalizer that standardises numerics as the job asks for: by the mean and standard
/// deviation that a numeric gives, or else by the statistics of training examples. A numeric that
/// varies too little in these keeps its unit.
data::Normalizer NormalizerFor(const Job& job, const data::SplitSummary& training);

/// Returns what training begins with, given training examples: NormalizerFor, and their labels but
/// for those of tasks that give their mean.
saved::FirstStatistics FirstStatisticsOf(const Job& job, const data::SplitSummary& training);

}  // namespace zhiyin::worker::train
