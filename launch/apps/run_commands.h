// The functions of all commands. Each reads and checks the flags of its command and runs it.
// Returns the exit code; throws Error.
#pragma once

#include "launch/apps/command_line.h"

namespace zhiyin::launch::apps {

int Train(const CommandLine& line);
int Evaluate(const CommandLine& line);
int Predict(const CommandLine& line);
int Examine(const CommandLine& line);
int RunCheck(const CommandLine& line);
int Generate(const CommandLine& line);
int RunCompare(const CommandLine& line);
int RunSupervise(const CommandLine& line);
int RunInspect(const CommandLine& line);
int Recommend(const CommandLine& line);
int Report(const CommandLine& line);
int RunServe(const CommandLine& line);
int Export(const CommandLine& line);

}  // namespace zhiyin::launch::apps
