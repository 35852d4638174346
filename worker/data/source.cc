#include "worker/data/source.h"

#include <glog/logging.h>

#include "worker/data/generated_ratings.h"
#include "worker/data/text_source.h"

namespace zhiyin::worker {

std::unique_ptr<Source> MakeSource(const Job& job, SplitKind kind) {
  const Split& split = kind == SplitKind::kTrain ? job.data().train() : job.data().test();
  switch (job.data().source_case()) {
    case Data::kText:
      return MakeTextSource(job, split);
    case Data::kGeneratedRatings:
      return MakeGeneratedRatings(job, split);
    case Data::SOURCE_NOT_SET:
      break;
  }
  LOG(FATAL) << "data without a source passed validation";
}

}  // namespace zhiyin::worker
