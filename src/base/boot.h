#pragma once

#include <string>

namespace ekya {

/// Which start of the machine this is; empty where the kernel does not say. What happened before
/// and what happens now lie on one BootSeconds where it is the same, whatever became of the
/// system's clock in between.
std::string BootId();

/// Seconds since the machine's start, with those that it slept. Every process has the same.
double BootSeconds();

}  // namespace ekya
