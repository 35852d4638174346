#include "worker/data/records.h"

#include <utility>

#include "worker/data/format_records.h"
#include "worker/data/text_records.h"

namespace zhiyin::worker::data {

std::unique_ptr<Records> OpenRecords(const Job& job, const Split& split, LabelUse labels,
                                     const Tick& tick, ReadCounts* counts) {
  if (const Format* format = FormatOfFiles(job.data(), split, tick); format != nullptr)
    return std::make_unique<FormatRecords>(*format, job, split, labels, tick, counts);
  return std::make_unique<TextRecords>(InspectFiles(job, split, labels, tick), tick, counts);
}

void FindColumns(Job* job, const Tick& tick) {
  if (!job->data().has_text() || job->data().has_columns()) return;
  const Format* format = FormatOfFiles(job->data(), job->data().train(), tick);
  const Columns columns = format == nullptr
                              ? FindTextColumns(job->data(), tick)
                              : ColumnsOf(WantedColumns(*job, LabelUse::kNeeded), "the job");
  if (columns.n == 0) return;
  Data::Columns* found = job->mutable_data()->mutable_columns();
  found->set_n(columns.n);
  found->mutable_name()->Assign(columns.names.begin(), columns.names.end());
  if (format != nullptr) found->set_format(format->name);
}

}  // namespace zhiyin::worker::data
