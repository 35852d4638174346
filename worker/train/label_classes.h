// The two classes of labels: what the first pass tells about them, before the first step.
#pragma once

#include <span>
#include <string>

#include "configs/job.pb.h"
#include "worker/data/split_kind.h"
#include "worker/data/split_summary.h"
#include "worker/data/statistics.h"
#include "worker/train/group.h"

namespace zhiyin::worker::train {

/// Whether the task's labels are the classes 0 and 1, or lie between them: by the rule of its label
/// or by its loss.
bool HasClasses(const Task& task);

/// Whether labels in this range are all of one class, where a label above 0.5 is positive as it is
/// for an AUC. REQUIRES: the range is not empty.
bool IsOneClass(const data::LabelRange& labels);

/// Says the labels of task t in a split, for messages: "all 40 labels of data.test are 1".
std::string RangeText(const data::SplitSummary& summary, size_t t, const char* split);

/// Throws Error where a task that trains has no label with a weight above 0, or where all labels of
/// one with classes are 0, or all are 1, its allow_one_class is not set, and no auxiliary loss
/// trains the model (NetworkKind::learns_without_tasks). Fewer than ten are taken, too, where a
/// split that is held out has the other class. What is taken is logged. The message has the values
/// of the columns that the labels are made from; for it, the chief reads examples again. Collective
/// over all workers, which have equal summaries.
void CheckTrainingLabels(const Job& job, const data::SplitSummary& training,
                         std::span<const data::SplitSummary> held_out, const data::SideInputs& side,
                         Group* group);

/// Logs the tasks with classes whose labels in an evaluated split are of one class. Called by the
/// chief.
void NoteLabels(const Job& job, data::SplitKind split, const data::SplitSummary& summary);

}  // namespace zhiyin::worker::train
