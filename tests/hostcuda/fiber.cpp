#include "fiber.hpp"

#ifndef __x86_64__
#error "the stand-in switches stacks on x86-64 only"
#endif

asm(R"(
.text
.globl hostcuda_switch
.hidden hostcuda_switch
.type hostcuda_switch, @function
hostcuda_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size hostcuda_switch, .-hostcuda_switch
)");
