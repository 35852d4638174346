#include "worker/data/source.h"

#include "common/error.h"
#include "worker/data/generated_ratings.h"
#include "worker/data/generated_uniform.h"
#include "worker/data/text_source.h"

namespace zhiyin::worker {

std::unique_ptr<Source> MakeSource(const Job& job, SplitKind split, LabelUse labels) {
  const Split& rows = split == SplitKind::kTrain ? job.data().train() : job.data().test();
  switch (job.data().source_case()) {
    case Data::kText:
      return MakeTextSource(job, rows, labels);
    case Data::kGeneratedRatings:
      return MakeGeneratedSource(job, rows, labels);
    case Data::kGeneratedUniform:
      return MakeUniformSource(job, rows, labels);
    case Data::SOURCE_NOT_SET:
      break;
  }
  Fail("data: no source, expected text, generated_ratings or generated_uniform");
}

}  // namespace zhiyin::worker
