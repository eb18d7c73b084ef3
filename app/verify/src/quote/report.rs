//! What a TD report 1.5 says besides. Layout: Intel TDX DCAP quoting library API, TD report 1.5 and its extension.

use super::reader::{QuoteError, Reader};

/// The fields that a TD report 1.5 adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report15 {
    /// Security versions of the TDX module that runs now. It can be replaced under a running TD.
    pub tee_tcb_svn: [u8; 16],
    /// Hash of the service TDs that are bound to the TD; zero for none.
    pub mr_service_td: [u8; 48],
    /// What the extended report adds to that.
    pub extended: Option<Extended>,
}

/// The fields that an extended TD report 1.5 adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extended {
    /// Number of the virtual machine inside a partitioned TD; zero for the TD itself.
    pub vm: u8,
    /// Devices that are bound to the TD; zero for none.
    pub devices: [u8; 48],
    /// Service TDs at launch: hash and attributes.
    pub initial_service_td: ([u8; 48], [u8; 8]),
    /// CPU SVN, TEE TCB SVN and FMSPC of the platform that a migrated TD was launched on; zero for one that never moved.
    pub launched_on: [u8; 44],
    /// Service TDs now: hash and attributes.
    pub current_service_td: ([u8; 48], [u8; 8]),
}

impl Report15 {
    pub(super) fn read(body: &mut Reader<'_>) -> Result<Self, QuoteError> {
        let (tee_tcb_svn, mr_service_td) = (body.array()?, body.array()?);
        let extended = if body.rest.is_empty() {
            None
        } else {
            let [vm] = body.array()?;
            body.take(32)?; // TD id: drawn at random for each TD, so that there is nothing to compare it with.
            Some(Extended {
                vm,
                devices: body.array()?,
                initial_service_td: (body.array()?, body.array()?),
                launched_on: body.array()?,
                current_service_td: (body.array()?, body.array()?),
            })
        };
        Ok(Self { tee_tcb_svn, mr_service_td, extended })
    }
}
