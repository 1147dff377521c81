/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * /dev/pasid-epN: one pasid-endpoint function, shared by any number of
 * processes. An open file owns what it asked for (bonds, domains, channels);
 * closing it, also by being killed, stops the channels, drains, and only
 * then lets the PASIDs go.
 */
#ifndef PASID_EP_DRIVER_H
#define PASID_EP_DRIVER_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define PEP_NO_CHANNEL          0xffffffffu

struct pep_info {
	__u32 channels;
	__u32 vectors; /* interrupt vectors granted */
	__u32 pasid;   /* of the calling process; 0: not bound */
	__u32 rid;     /* requester ID */
	__u64 buffer_size;
};

/* A job: one operation of one channel, see pasid_ep_uapi.h. */
struct pep_job {
	__u32 channel; /* owned by this file */
	__u32 pasid;   /* owned by this file; 0: none */
	__u64 ctrl;    /* CH_CTRL without the PASID bit */
	__u64 addr;
	__u64 addr2;
	__u64 len;
	__u64 seed;
	__u64 split;   /* 0: device default */
	__u32 group;   /* 0: device default */
	__u32 retries; /* 0: device default */
};

struct pep_result {
	__u32 channel;
	__u32 timeout_ms; /* of virtual time */
	__u32 interrupts; /* completion interrupts of this job */
	__u32 finished;	  /* launched == returned */
	__u64 status;
	__u64 done;
	__u64 bad_addr;
	__u64 crc;
	__u64 compare;
	__u64 requests;
	__u64 page_requests;
	__u64 parked; /* requests that the IOMMU stalled */
};

#define PEP_STATS_WORDS         20
struct pep_stats {
	__u64 word[PEP_STATS_WORDS]; /* in the order of PASID_EP_STAT_* */
};

/* A buffer of the caller in a PASID's paging domain. */
struct pep_map {
	__u32 pasid;
	__u32 prot; /* 1: read, 2: write */
	__u64 addr; /* page aligned, as iova and len */
	__u64 iova;
	__u64 len;
};

struct pep_raw_page {
	__u64 addr;
	__u64 ctrl; /* PASID_EP_PR_CTRL_* */
	__u32 pasid;
	__u32 timeout_ms;
	__u64 status;	/* out: PR_STATUS */
	__u64 response; /* out: PR_RESP; valid bit only if it came */
};

#define PEP_INFO                _IOR('P', 0, struct pep_info)
/* Bind the caller's address space; the answer is its PASID. */
#define PEP_BIND                _IOR('P', 1, __u32)
#define PEP_UNBIND              _IO('P', 2)
#define PEP_CHANNEL_GET         _IOR('P', 3, __u32)
#define PEP_CHANNEL_PUT         _IOW('P', 4, __u32)
#define PEP_SUBMIT              _IOW('P', 5, struct pep_job)
/* Sleep until the channel's completion interrupt; ETIME when none came. */
#define PEP_WAIT                _IOWR('P', 6, struct pep_result)
#define PEP_STATS               _IOR('P', 7, struct pep_stats)
#define PEP_DOMAIN_NEW          _IOR('P', 8, __u32)
#define PEP_DOMAIN_FREE         _IOW('P', 9, __u32)
#define PEP_DOMAIN_MAP          _IOW('P', 10, struct pep_map)
#define PEP_DOMAIN_UNMAP        _IOW('P', 11, struct pep_map)
#define PEP_COMMAND             _IOW('P', 12, __u64[2])	/* COMMAND, ARG */
#define PEP_RAW_PAGE            _IOWR('P', 13, struct pep_raw_page)

/* mmap offsets: BAR0 and BAR2. */
#define PEP_MMAP_BAR(n)         ((__u64)(n) << 32)

#endif
